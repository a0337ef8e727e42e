//! Features of a text hashed into a vector of fixed width, weighted by how rare they are among the owner's own texts.

use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

use super::{Analyzer, LEXICON, sound::sound, words::Token};

/// Width of the built-in vectors.
pub const DIMENSION: usize = 256;
/// Names the way of embedding, by its version and by the lexicon whose concepts it weighs: vectors of another name are made again.
pub(in crate::store) fn name() -> &'static str {
    static NAME: LazyLock<String> =
        LazyLock::new(|| format!("{BUILT_IN}2-{:016x}", xxh3_64(LEXICON.as_bytes())));
    &NAME
}

const BUILT_IN: &str = "built-in-";

/// Whether a name is of this embedder in any version.
pub(in crate::store) fn is_built_in(name: &str) -> bool {
    name.starts_with(BUILT_IN)
}

/// Buckets of the document frequencies: enough that two features of a log rarely share one.
const BUCKETS: usize = 1 << 16;

/// How much each feature weighs, learned from texts.
#[derive(Debug, Clone)]
pub struct Weights {
    /// Texts learned from.
    texts: u32,
    /// In how many of them each bucket's features occur.
    frequency: Vec<u32>,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            texts: 0,
            frequency: vec![0; BUCKETS],
        }
    }
}

impl Weights {
    /// Learns from one more text.
    pub fn learn(&mut self, analyzer: &Analyzer, text: &str) {
        let mut buckets: Vec<usize> = features(analyzer, text)
            .into_iter()
            .map(|f| bucket(f.0))
            .collect();
        buckets.sort_unstable();
        buckets.dedup();
        for b in buckets {
            self.frequency[b] += 1;
        }
        self.texts += 1;
    }

    /// The unit vector of a text; all zero when it has no words.
    #[must_use]
    pub fn embed(&self, analyzer: &Analyzer, text: &str) -> Vec<f32> {
        self.unit(features(analyzer, text))
    }

    /// The unit vector of a question: that of a text, and concepts that the question nearly mentions.
    #[must_use]
    pub fn embed_question(&self, analyzer: &Analyzer, text: &str) -> Vec<f32> {
        let mut features = features(analyzer, text);
        for (concept, share) in analyzer.near(text) {
            features.push((hash("c", concept), CONCEPT * NEAR * share));
        }
        self.unit(features)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low bits of a hash are as good as all"
    )]
    fn unit(&self, features: Vec<(u64, f32)>) -> Vec<f32> {
        let mut v = vec![0.0_f32; DIMENSION];
        for (hash, weight) in features {
            let weight = weight * self.rarity(hash);
            // Two places a feature: a collision in one still leaves the other.
            for part in [hash, hash.rotate_left(29)] {
                let at = part as usize % DIMENSION;
                v[at] += if part & (1 << 40) == 0 {
                    weight
                } else {
                    -weight
                };
            }
        }
        rotate(&mut v);
        let norm = v.iter().map(|x| x * x).sum::<f32>().sqrt();
        if norm > 0.0 {
            for x in &mut v {
                *x /= norm;
            }
        }
        v
    }

    /// Smoothed inverse document frequency, 1 for a feature that is in every text.
    #[expect(clippy::cast_possible_truncation, reason = "a weight needs few digits")]
    fn rarity(&self, hash: u64) -> f32 {
        let seen = f64::from(self.frequency[bucket(hash)]);
        (((1.0 + f64::from(self.texts)) / (1.0 + seen)).ln() + 1.0) as f32
    }

    /// In how many of the texts a term occurs, about: terms share buckets.
    pub(in crate::store) fn frequency(&self, class: Class, term: &str) -> u32 {
        self.frequency[bucket(hash(class.mark(), term))]
    }

    pub(in crate::store) fn to_bytes(&self) -> Vec<u8> {
        let frequencies = self.frequency.iter().flat_map(|f| f.to_le_bytes());
        self.texts
            .to_le_bytes()
            .into_iter()
            .chain(frequencies)
            .collect()
    }

    pub(in crate::store) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<4>();
        let (texts, frequency) = numbers.split_first()?;
        (rest.is_empty() && frequency.len() == BUCKETS).then(|| Self {
            texts: u32::from_le_bytes(*texts),
            frequency: frequency.iter().map(|b| u32::from_le_bytes(*b)).collect(),
        })
    }
}

/// Spreads every feature over all numbers of the vector without changing any angle: fixed random signs, then a Walsh-Hadamard
/// transform. A short question has few features; unspread, most of its signs would mean nothing to the coarse scan.
fn rotate(v: &mut [f32]) {
    for (i, x) in v.iter_mut().enumerate() {
        if xxh3_64(&[u8::try_from(i % 256).unwrap_or(0)]) & 1 == 1 {
            *x = -*x;
        }
    }
    let mut half = 1;
    while half < v.len() {
        for block in v.chunks_exact_mut(half * 2) {
            let (a, b) = block.split_at_mut(half);
            for (x, y) in a.iter_mut().zip(b) {
                (*x, *y) = (*x + *y, *x - *y);
            }
        }
        half *= 2;
    }
}

fn bucket(hash: u64) -> usize {
    (hash >> 20) as usize % BUCKETS
}

/// What sort of feature a term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Class {
    Word,
    Pair,
    Sound,
    Concept,
}

impl Class {
    const fn mark(self) -> &'static str {
        match self {
            Self::Word => "w",
            Self::Pair => "p",
            Self::Sound => "s",
            Self::Concept => "c",
        }
    }
}

/// Hashes of a text's features with their weights by class.
fn features(analyzer: &Analyzer, text: &str) -> Vec<(u64, f32)> {
    let (tokens, concepts) = analyzer.tokens_and_concepts(text);
    let mut out = Vec::with_capacity(tokens.len() * 4);
    for concept in concepts {
        out.push((hash("c", concept), CONCEPT));
    }
    let mut before: Option<char> = None;
    for token in &tokens {
        match token {
            Token::Word(w) | Token::Part { word: w, .. } => {
                out.push((hash("w", w), WORD));
                trigrams(w, &mut out);
                before = None;
            }
            Token::Han(c) => {
                out.push((hash("h", c.encode_utf8(&mut [0; 4])), HAN));
                if let Some(b) = before {
                    out.push((hash("p", &format!("{b}{c}")), PAIR));
                    out.push((hash("s", &(sound(b) + &sound(*c))), SOUND));
                }
                before = Some(*c);
            }
            Token::Gap => before = None,
        }
    }
    out
}

/// Weights by class of feature, chosen on the tuning half of `tests/fixtures/questions.toml`, a fifth of the lexicon taken away at random.
const CONCEPT: f32 = 3.0;
/// Of a concept that is nearly mentioned.
const NEAR: f32 = 0.75;
const WORD: f32 = 1.0;
const TRIGRAM: f32 = 0.2;
const HAN: f32 = 0.2;
const PAIR: f32 = 0.6;
const SOUND: f32 = 0.5;

fn trigrams(word: &str, out: &mut Vec<(u64, f32)>) {
    let chars: Vec<char> = std::iter::once('^')
        .chain(word.chars())
        .chain(std::iter::once('$'))
        .collect();
    if chars.len() < 5 {
        return;
    }
    for w in chars.windows(3) {
        out.push((hash("t", &w.iter().collect::<String>()), TRIGRAM));
    }
}

fn hash(class: &str, feature: &str) -> u64 {
    xxh3_64([class.as_bytes(), feature.as_bytes()].concat().as_slice())
}
