//! What time it is in a world.
//!
//! A [`Clock`] is pure: it turns wall time into a world's time. [`WallClock`] is the only place in the
//! project that reads the time of the operating system; it is read once a request, at the edge, and from
//! there on time is a parameter.

use std::fmt;
use std::time::Duration;

use crate::sim::Timestamp;
use crate::store::AHEAD;

/// How a world's time moves.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum ClockMode {
    /// As wall time does.
    #[default]
    Real,
    /// So many virtual seconds a wall second; positive and finite.
    Scaled(f64),
    /// Not by itself; only when it is advanced.
    Frozen,
    /// Not by itself, but each time a batch that has not ended is retrieved again, to that batch's next
    /// change: who polls sees every state once, at whatever interval.
    Stepping,
}

impl fmt::Display for ClockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Scaled(factor) => write!(f, "scaled:{factor}"),
            Self::Frozen => f.write_str("frozen"),
            Self::Stepping => f.write_str("stepping"),
        }
    }
}

impl std::str::FromStr for ClockMode {
    type Err = String;

    /// Reads `real`, `frozen`, `stepping` and `scaled:FACTOR`, as [`Display`](fmt::Display) writes them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "real" => Ok(Self::Real),
            "frozen" => Ok(Self::Frozen),
            "stepping" => Ok(Self::Stepping),
            _ => match text.strip_prefix("scaled:").map(str::parse::<f64>) {
                Some(Ok(factor)) if factor.is_finite() && factor > 0.0 => Ok(Self::Scaled(factor)),
                Some(_) => Err(format!(
                    "`{text}` has no usable factor: write a positive number of virtual seconds a second, \
                     such as `scaled:3600`"
                )),
                None => Err(format!(
                    "`{text}` is no clock: there are `real`, `frozen`, `stepping` and `scaled:FACTOR`"
                )),
            },
        }
    }
}

/// A world's clock. It never goes back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clock {
    mode: ClockMode,
    /// The world's time when the wall showed `anchor_wall`.
    anchor: Timestamp,
    anchor_wall: Timestamp,
}

impl Clock {
    /// A clock that shows `start` when the wall shows `wall`.
    pub(crate) fn new(mode: ClockMode, start: Timestamp, wall: Timestamp) -> Self {
        Self { mode, anchor: start, anchor_wall: wall }
    }

    /// What it was made of, so that [`new`](Self::new) makes the same clock again.
    pub(crate) fn parts(&self) -> (ClockMode, Timestamp, Timestamp) {
        (self.mode, self.anchor, self.anchor_wall)
    }

    /// How it moves.
    pub(crate) fn mode(&self) -> ClockMode {
        self.mode
    }

    /// What it shows when the wall shows `wall`.
    pub(crate) fn now(&self, wall: Timestamp) -> Timestamp {
        let passed = wall.since(self.anchor_wall);
        let passed = match self.mode {
            ClockMode::Real => passed,
            // A product too large to be a duration is later than the last time a clock may show.
            ClockMode::Scaled(factor) => {
                Duration::try_from_secs_f64(passed.as_secs_f64() * factor).unwrap_or(Duration::MAX)
            }
            ClockMode::Frozen | ClockMode::Stepping => Duration::ZERO,
        };
        (self.anchor + passed).min(Timestamp::MAX)
    }

    /// How long after the wall shows `wall` it shows `at`; nothing if it does not get there by itself.
    pub(crate) fn shows_in(&self, at: Timestamp, wall: Timestamp) -> Option<Duration> {
        let left = at.since(self.now(wall));
        match self.mode {
            ClockMode::Real => Some(left),
            ClockMode::Scaled(factor) => Duration::try_from_secs_f64(left.as_secs_f64() / factor).ok(),
            ClockMode::Frozen | ClockMode::Stepping => left.is_zero().then_some(left),
        }
    }

    /// When the wall will show `at`, or did, if the clock moves by itself and will get there.
    pub(crate) fn wall_when(&self, at: Timestamp) -> Option<Timestamp> {
        let to_pass = at.since(self.anchor);
        let to_pass = match self.mode {
            ClockMode::Real => to_pass,
            ClockMode::Scaled(factor) => {
                // Not a moment too early: `now` rounds down.
                Duration::try_from_secs_f64(to_pass.as_secs_f64() / factor).ok()? + Duration::from_millis(1)
            }
            ClockMode::Frozen | ClockMode::Stepping => return None,
        };
        Some(self.anchor_wall + to_pass)
    }

    /// Moves on in another way, from the time it shows now.
    pub(crate) fn set_mode(&mut self, mode: ClockMode, wall: Timestamp) {
        *self = Self::new(mode, self.now(wall), wall);
    }

    /// Jumps ahead, and moves on from there. A time that has passed changes nothing.
    pub(crate) fn advance_to(&mut self, to: Timestamp, wall: Timestamp) {
        *self = Self::new(self.mode, to.clamp(self.now(wall), Timestamp::MAX), wall);
    }
}

/// The time of the operating system, made monotonic: a correction of the system's clock while the server
/// runs moves no world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock {
    started_at: Timestamp,
    started: std::time::Instant,
    /// It shows no earlier time.
    not_before: Timestamp,
}

impl WallClock {
    /// Reads the system's clock; from now on only the monotonic one is read.
    #[expect(clippy::disallowed_methods, reason = "the one reader of the operating system's clock")]
    pub(crate) fn start() -> Self {
        Self {
            started_at: system_time(),
            started: std::time::Instant::now(),
            not_before: Timestamp::from_unix_millis(0),
        }
    }

    /// The same clock, but for times at which an earlier run may have read it already. It may have read it a
    /// moment ahead: then this one stands still until that is over. If the system's clock was set back by more, it
    /// goes on from there.
    pub(crate) fn not_before(self, read_until: Timestamp) -> Self {
        let behind = read_until.since(self.started_at);
        let started_at = if behind > AHEAD { read_until } else { self.started_at };
        Self { started_at, not_before: read_until, ..self }
    }

    /// What the wall shows.
    pub(crate) fn now(&self) -> Timestamp {
        self.at(self.elapsed())
    }

    /// What the wall showed, or will show, so long after it was started.
    pub(crate) fn at(&self, elapsed: Duration) -> Timestamp {
        (self.started_at + elapsed).max(self.not_before)
    }

    /// How long ago it was started: a stopwatch for logs.
    #[expect(clippy::disallowed_methods, reason = "the one reader of the operating system's clock")]
    pub(crate) fn elapsed(&self) -> Duration {
        std::time::Instant::now().duration_since(self.started)
    }
}

/// What the operating system shows, corrections and all: for what others hold against a clock of theirs.
#[expect(clippy::disallowed_methods, reason = "the one reader of the operating system's clock")]
pub(crate) fn system_time() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_millis(0) + since_epoch
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_unix_seconds(1_000);

    fn wall(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn a_real_clock_keeps_its_distance_to_the_wall() {
        let clock = Clock::new(ClockMode::Real, START, wall(50));
        assert_eq!(clock.now(wall(53)), Timestamp::from_unix_seconds(1_003));
    }

    #[test]
    fn a_scaled_clock_runs_faster() {
        let clock = Clock::new(ClockMode::Scaled(3600.0), START, wall(0));
        assert_eq!(clock.now(wall(24)), START + Duration::from_hours(24));
    }

    #[test]
    fn a_frozen_clock_moves_only_when_advanced() {
        let mut clock = Clock::new(ClockMode::Frozen, START, wall(0));
        assert_eq!(clock.now(wall(9_999)), START);
        clock.advance_to(START + Duration::from_secs(5), wall(10_000));
        assert_eq!(clock.now(wall(20_000)), START + Duration::from_secs(5));
    }

    #[test]
    fn it_is_known_how_long_a_clock_needs() {
        let in_a_minute = START + Duration::from_mins(1);
        let needs = |mode| Clock::new(mode, START, wall(0)).shows_in(in_a_minute, wall(0));
        assert_eq!(needs(ClockMode::Real), Some(Duration::from_mins(1)));
        assert_eq!(needs(ClockMode::Scaled(60.0)), Some(Duration::from_secs(1)));
        assert_eq!(needs(ClockMode::Scaled(1e-300)), None, "nobody can wait for so long");
        assert_eq!(needs(ClockMode::Frozen), None);
        let there = Clock::new(ClockMode::Frozen, in_a_minute, wall(0));
        assert_eq!(there.shows_in(START, wall(0)), Some(Duration::ZERO));
    }

    #[test]
    fn a_clock_tells_when_the_wall_shows_that_a_time_has_come() {
        for mode in
            [ClockMode::Real, ClockMode::Scaled(3600.0), ClockMode::Scaled(0.3), ClockMode::Scaled(7e9)]
        {
            let clock = Clock::new(mode, START, wall(50));
            for seconds in [0, 1, 7, 86_400] {
                let at = START + Duration::from_secs(seconds);
                let wall_when = clock.wall_when(at).unwrap();
                assert!(clock.now(wall_when) >= at, "{mode} {seconds}");
                assert!(
                    clock.now(wall_when - Duration::from_millis(2)) < at || wall_when <= wall(51),
                    "{mode}"
                );
            }
        }
        for mode in [ClockMode::Frozen, ClockMode::Stepping] {
            assert_eq!(Clock::new(mode, START, wall(0)).wall_when(START), None);
        }
    }

    #[test]
    fn no_clock_goes_back() {
        let mut clock = Clock::new(ClockMode::Real, START, wall(0));
        clock.advance_to(wall(1), wall(10));
        assert_eq!(clock.now(wall(10)), Timestamp::from_unix_seconds(1_010));
        assert_eq!(clock.now(wall(-10)), Timestamp::from_unix_seconds(1_010));
    }

    #[test]
    fn a_change_of_mode_keeps_the_time() {
        let mut clock = Clock::new(ClockMode::Scaled(60.0), START, wall(0));
        clock.set_mode(ClockMode::Frozen, wall(2));
        assert_eq!(clock.now(wall(100)), Timestamp::from_unix_seconds(1_120));
    }

    #[test]
    fn the_last_second_of_the_year_9999_is_the_end_of_time() {
        let clock = Clock::new(ClockMode::Scaled(1e300), START, wall(0));
        assert_eq!(clock.now(wall(1)), Timestamp::MAX);
    }

    #[test]
    fn a_wall_shows_no_time_before_one_that_an_earlier_run_may_have_shown() {
        let system = WallClock::start();
        let at_once = system.not_before(system.started_at + Duration::from_millis(900));
        assert_eq!(at_once.started_at, system.started_at, "it waits for the system's clock");
        assert!(at_once.now() >= system.started_at + Duration::from_millis(900));
        let set_back = system.not_before(system.started_at + Duration::from_hours(1));
        assert_eq!(set_back.started_at, system.started_at + Duration::from_hours(1), "it goes on from there");
        let long_ago = system.not_before(wall(0));
        assert_eq!(long_ago.started_at, system.started_at);
    }

    #[test]
    fn modes_read_as_they_are_written() {
        for mode in [ClockMode::Real, ClockMode::Scaled(0.5), ClockMode::Frozen, ClockMode::Stepping] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert!("scaled:0".parse::<ClockMode>().is_err());
        assert!("scaled:inf".parse::<ClockMode>().is_err());
        assert!("fast".parse::<ClockMode>().is_err());
    }
}
