//! The built-in offline embedder and the word analysis it shares with full text: a spoken Chinese question finds an English log line
//! without any model.
//!
//! In: text. Out: index terms ([`Analyzer::index`]), query terms ([`Analyzer::query`]), vectors ([`Weights::embed`], [`Weights::embed_question`]). Three things
//! carry meaning across: words and Chinese bigrams as they stand, the concepts of the bilingual lexicon
//! (`resources/lexicon.toml`), and the sound of Chinese characters, since speech recognition writes 径向 for 镜像. No clock, no I/O:
//! the same text always gives the same terms and, with the same weights, the same vector.

mod hashing;
mod lexicon;
mod sound;
mod words;

use std::{collections::BTreeSet, sync::LazyLock};

pub(super) use hashing::{Class, is_built_in, name};
pub use hashing::{DIMENSION, Weights};
pub use lexicon::{InvalidLexicon, Lexicon};
use words::{Token, tokens};

/// What a text is to the full-text index: three columns of space-separated terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indexed {
    pub body: String,
    pub sounds: String,
    pub concepts: String,
}

/// A question's terms, without repetition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    pub words: BTreeSet<String>,
    /// Pairs of Chinese syllables.
    pub sounds: BTreeSet<String>,
    pub concepts: BTreeSet<String>,
}

/// The lexicon that is shipped in the program.
const LEXICON: &str = include_str!("../../../resources/lexicon.toml");

/// Splits text into terms, with a lexicon.
#[derive(Debug)]
pub struct Analyzer {
    lexicon: Lexicon,
}

impl Analyzer {
    #[must_use]
    pub fn new(lexicon: Lexicon) -> Self {
        Self { lexicon }
    }

    /// With the lexicon that is shipped in the program.
    #[must_use]
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<Analyzer> = LazyLock::new(|| {
            // A test reads the same file; a program that shipped a broken one would still find words as they stand.
            Analyzer::new(LEXICON.parse().unwrap_or_default())
        });
        &BUILT_IN
    }

    /// Terms of a document, given in pieces such as its object and its text.
    #[must_use]
    pub fn index(&self, pieces: &[&str]) -> Indexed {
        let mut out = Indexed::default();
        let mut concepts = BTreeSet::new();
        for piece in pieces {
            let tokens = tokens(piece);
            for term in words::terms(&tokens) {
                push(&mut out.body, &term);
            }
            for pair in words::sounds(&tokens) {
                push(&mut out.sounds, &pair);
            }
            concepts.extend(self.lexicon.concepts(&tokens));
        }
        for concept in concepts {
            push(&mut out.concepts, concept);
        }
        out
    }

    /// Terms of a question.
    #[must_use]
    pub fn query(&self, text: &str) -> Terms {
        let tokens = tokens(text);
        Terms {
            words: words::terms(&tokens)
                .chain(words::joined(&tokens))
                .collect(),
            sounds: words::sounds(&tokens).collect(),
            concepts: self
                .lexicon
                .concepts(&tokens)
                .into_iter()
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Terms of a question without the Chinese pairs that one of its concepts explains. A text that says 密码 would otherwise count three
    /// times what counts once in a text that says `password`: by the pair, by its sound, and by the concept.
    #[must_use]
    pub fn meant(&self, text: &str) -> Terms {
        let mut terms = self.query(text);
        let tokens = tokens(text);
        let explained = self.lexicon.explained(&tokens);
        for (pair, explained) in tokens.windows(2).zip(explained.windows(2)) {
            if let ([Token::Han(a), Token::Han(b)], [true, true]) = (pair, explained) {
                terms.words.remove(&format!("{a}{b}"));
                terms.sounds.remove(&(sound::sound(*a) + &sound::sound(*b)));
            }
        }
        terms
    }

    /// Concepts that a question nearly mentions.
    fn near(&self, text: &str) -> Vec<(&str, f32)> {
        self.lexicon.near(&tokens(text))
    }

    fn tokens_and_concepts(&self, text: &str) -> (Vec<Token>, BTreeSet<&str>) {
        let tokens = tokens(text);
        let concepts = self.lexicon.concepts(&tokens);
        (tokens, concepts)
    }
}

fn push(line: &mut String, term: &str) {
    if !line.is_empty() {
        line.push(' ');
    }
    line.push_str(term);
}
