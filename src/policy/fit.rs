//! Yes, no, or "AWS leaves it open": the logic of everything that matches.

/// Whether something matches. The order is that of the logic: *and* is the least, *or* the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It does not match.
    No,
    /// No source says what AWS does here. An Allow then does not count, a Deny does.
    Unsure,
    /// It matches.
    Yes,
}

impl Fit {
    /// Matches only where all of `fits` do; true of none.
    pub fn all(fits: impl IntoIterator<Item = Self>) -> Self {
        fits.into_iter().min().unwrap_or(Self::Yes)
    }

    /// Matches where one of `fits` does; false of none.
    pub fn any(fits: impl IntoIterator<Item = Self>) -> Self {
        fits.into_iter().max().unwrap_or(Self::No)
    }
}

impl From<bool> for Fit {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl std::ops::Not for Fit {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unsure => Self::Unsure,
            Self::Yes => Self::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fit::{self, No, Unsure, Yes};

    #[test]
    fn doubt_spreads_until_something_certain_decides() {
        assert_eq!(Fit::all([Yes, Unsure]), Unsure);
        assert_eq!(Fit::all([No, Unsure]), No);
        assert_eq!(Fit::any([Yes, Unsure]), Yes);
        assert_eq!(Fit::any([No, Unsure]), Unsure);
        assert_eq!((Fit::all([]), Fit::any([]), !Unsure), (Yes, No, Unsure));
    }
}
