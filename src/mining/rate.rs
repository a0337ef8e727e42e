//! How surprising a count is: a negative binomial tail, and a bound on false discoveries.
//!
//! Log counts are burstier than Poisson, so the variance of a count with mean `mu` is `mu + spread * mu^2`. With few earlier days the mean
//! itself is uncertain; `spread` grows by what that adds.

/// Spread of ordinary daily counts around their mean: a standard deviation of a fifth.
pub const SPREAD: f64 = 0.04;

/// Probability of `observed` or more when `mean` is expected.
#[must_use]
pub fn upper_tail(observed: u64, mean: f64, spread: f64) -> f64 {
    if observed == 0 {
        return 1.0;
    }
    let mean = mean.max(1e-6);
    let k = observed as f64;
    if k <= mean {
        return 1.0;
    }
    // Beyond this the sum takes too long, and the tail is normal enough.
    if k > 1e5 {
        return normal_tail((k - mean) / (mean + spread * mean * mean).sqrt());
    }
    let size = 1.0 / spread;
    let ratio = mean / (size + mean);
    let mut log_p = size * (size / (size + mean)).ln();
    for i in 0..observed {
        let i = i as f64;
        log_p += (ratio * (size + i) / (i + 1.0)).ln();
    }
    let (mut p, mut sum, mut i) = (log_p.exp(), 0.0, k);
    while p > sum * 1e-9 && i < k + 1e5 {
        sum += p;
        p *= ratio * (size + i) / (i + 1.0);
        i += 1.0;
    }
    sum.min(1.0)
}

/// Upper tail of the standard normal, Abramowitz and Stegun 7.1.26; 0 where it is below 1e-7.
fn normal_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * z / std::f64::consts::SQRT_2);
    let poly = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    0.5 * poly * (-z * z / 2.0).exp()
}

/// Largest p-value that may be believed so that at most the share `q` of those believed is chance (Benjamini and Hochberg 1995).
#[must_use]
pub fn discovery_limit(p_values: &[f64], q: f64) -> f64 {
    let mut sorted = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    sorted
        .iter()
        .enumerate()
        .filter(|(i, p)| **p <= q * (*i as f64 + 1.0) / n)
        .map(|(_, p)| *p)
        .next_back()
        .unwrap_or(-1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_agrees_with_the_poisson_when_the_spread_vanishes() {
        // P(X >= 10 | mean 4) = 0.008132.
        assert!((upper_tail(10, 4.0, 1e-6) - 0.008_132).abs() < 1e-4);
        assert!(upper_tail(40, 20.0, SPREAD) > upper_tail(40, 20.0, 1e-6));
        assert!(upper_tail(30, 1.0, SPREAD) < 1e-10);
    }

    #[test]
    fn many_tests_need_smaller_p_values() {
        assert!(discovery_limit(&[0.001, 0.5, 0.6, 0.7], 0.01) >= 0.001);
        assert!(discovery_limit(&vec![0.02; 50], 0.01) < 0.0);
    }
}
