//! What was lost, why, and which numbers it had: kept until the receiver has been told.

/// Why a reading was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The bound in bytes was reached.
    Bytes,
    /// The bound in readings was reached.
    Count,
    /// It waited for too long.
    Age,
    /// The disk had no room.
    DiskFull,
    /// The disk failed to write or to sync.
    DiskError,
    /// The disk gave back other bytes than were written, or none.
    Damage,
    /// AWS IoT takes no message that long.
    TooLong,
}

impl Reason {
    /// Every reason, in the order of the cursor file.
    pub const ALL: [Self; 7] =
        [Self::Bytes, Self::Count, Self::Age, Self::DiskFull, Self::DiskError, Self::Damage, Self::TooLong];

    /// Its name in messages and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Count => "count",
            Self::Age => "age",
            Self::DiskFull => "disk_full",
            Self::DiskError => "disk_error",
            Self::Damage => "damage",
            Self::TooLong => "too_long",
        }
    }
}

/// Readings lost, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses(pub(in crate::device) [u64; Reason::ALL.len()]);

impl Losses {
    /// Lost for this reason.
    pub fn of(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    /// Lost for any reason.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The reasons there were, with how many each.
    pub fn reasons(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().zip(self.0).filter(|(_, lost)| *lost > 0)
    }

    /// What was lost since the count was `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut rest = self.0;
        rest.iter_mut().zip(earlier.0).for_each(|(lost, before)| *lost = lost.saturating_sub(before));
        Self(rest)
    }

    /// Counts `lost` more.
    pub(in crate::device) fn add(&mut self, reason: Reason, lost: u64) {
        let sum = &mut self.0[reason as usize];
        *sum = sum.saturating_add(lost);
    }
}

/// Lost readings between two numbers. A number between them that did arrive is none of the lost ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gap {
    /// The lowest number lost.
    pub first: u64,
    /// The highest number lost.
    pub last: u64,
    /// How many, by reason.
    pub losses: Losses,
}

impl Gap {
    /// Whether nothing is lost.
    pub fn is_empty(&self) -> bool {
        self.losses.total() == 0
    }

    /// `lost` of `first..=last` are lost.
    pub(in crate::device) fn of(first: u64, last: u64, lost: u64, reason: Reason) -> Self {
        let mut gap = Self { first, last, losses: Losses::default() };
        gap.losses.add(reason, lost);
        gap
    }

    /// Adds what another gap says.
    pub(in crate::device) fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        self.first = if self.is_empty() { other.first } else { self.first.min(other.first) };
        self.last = if self.is_empty() { other.last } else { self.last.max(other.last) };
        for (reason, lost) in other.losses.reasons() {
            self.losses.add(reason, lost);
        }
    }
}
