//! Median and range of a few numbers, and whether a target is met.

/// Of what was measured again and again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    pub(crate) fn of(numbers: &[f64]) -> Self {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (middle, last) = (sorted.len() / 2, sorted.len() - 1);
        let median = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        Self { least: sorted[0], median, most: sorted[last] }
    }

    /// Round by round, so that what disturbs the machine disturbs both.
    pub(crate) fn of_ratios(ours: &[f64], theirs: &[f64]) -> Self {
        Self::of(&ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
    }

    pub(crate) fn text(&self, digits: usize) -> String {
        let Self { least, median, most } = self;
        format!("{median:.digits$} ({least:.digits$}-{most:.digits$})")
    }

    pub(crate) fn at_least(&self, what: &str, digits: usize, target: f64) {
        self.judged(what, digits, &format!(">= {target}"), self.median >= target);
    }

    pub(crate) fn at_most(&self, what: &str, digits: usize, target: f64) {
        self.judged(what, digits, &format!("<= {target}"), self.median <= target);
    }

    pub(crate) fn shown(&self, what: &str, digits: usize) {
        println!("{what:<58}{:>24}", self.text(digits));
    }

    fn judged(&self, what: &str, digits: usize, target: &str, met: bool) {
        println!("{what:<58}{:>24}{target:>12}  {}", self.text(digits), if met { "met" } else { "NOT MET" });
    }
}
