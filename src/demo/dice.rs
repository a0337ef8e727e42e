//! Chance for the sample cluster: a splitmix64 sequence, so that every run tells the same story.

/// Sebastiano Vigna's splitmix64 (<https://prng.di.unimi.it/splitmix64.c>).
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `below` - 1.
    pub(super) fn roll(&mut self, below: u32) -> u32 {
        u32::try_from(self.next() % u64::from(below.max(1))).unwrap_or(0)
    }

    /// Milliseconds from 0 to `below` - 1.
    pub(super) fn delay(&mut self, below: i64) -> i64 {
        i64::try_from(self.next() >> 1).unwrap_or(0) % below.max(1)
    }

    /// What Kubernetes appends to generated names.
    pub(super) fn suffix(&mut self, length: usize) -> String {
        const SAFE: [char; 27] = [
            'b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'q', 'r', 's', 't', 'v',
            'w', 'x', 'z', '2', '4', '5', '6', '7', '8', '9',
        ];
        (0..length).map(|_| SAFE[self.roll(27) as usize]).collect()
    }

    pub(super) fn uuid(&mut self) -> String {
        let h = format!("{:016x}{:016x}", self.next(), self.next());
        format!(
            "{}-{}-4{}-9{}-{}",
            &h[..8],
            &h[8..12],
            &h[13..16],
            &h[17..20],
            &h[20..]
        )
    }
}
