//! What can be wrong with plan files: the table of codes, and one problem with its place.

use super::source::Sources;

/// Whether a problem keeps the plans from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The plans cannot be used.
    Error,
    /// The plans can be used, but probably do not say what was meant.
    Warning,
}

impl Severity {
    /// The word in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $id:literal $summary:literal)*) => {
        /// What is wrong. A code never changes its meaning; numbers that are given up stay unused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $summary] $variant,)*
        }

        impl Code {
            /// All codes, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as reports show it.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// One line about it, for the documentation.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)* }
            }
        }
    };
}

codes! {
    // The file as YAML.
    NotYaml "E0101" "The file is not YAML, or not UTF-8."
    OverBudget "E0102" "The file or the whole set is larger or deeper than plans may be."
    RepeatedKey "E0103" "A map has the same key twice."
    UnknownKey "E0104" "A key is not known at this place."
    MissingKey "E0105" "A required key is missing."
    WrongType "E0106" "A map, a list or a single value was expected and something else stands there."
    UnknownVersion "E0107" "The version of the file is not known."
    // Names and single values.
    DuplicateName "E0201" "Two things of one kind have the same name; both places are shown."
    BadName "E0202" "A name is empty, too long, reserved, or has control characters."
    BadDuration "E0203" "A duration is not written as one, or is zero where time has to pass."
    UnknownWord "E0204" "A value is not one of the words that are possible here."
    BadNumber "E0205" "A number is not one, or is out of its range."
    TooMany "E0206" "There are more plans, levels, marks, targets or the like than allowed."
    ShortWait "E0207" "Something is told over and over at shorter intervals than allowed."
    // References.
    UnknownTarget "E0301" "A target is not declared."
    NoChannels "E0302" "A target has no channels."
    BeyondPath "E0303" "A level is beyond the plan's path."
    UnknownCalendar "E0304" "A calendar is not declared."
    UnknownCategory "E0305" "A status category is not known."
    StatusTwice "E0306" "A status word belongs to two categories, or twice to one."
    // Timeframes and marks.
    UnknownKind "E0401" "A timeframe's name is not a kind, and it names none."
    BadMark "E0402" "A mark is not written as one."
    MarkNotPositive "E0403" "A mark's threshold is not positive for some length of its timeframe."
    DuplicateMark "E0404" "Two marks of a timeframe stand at the same place."
    IdleMark "E0405" "A mark neither warns nor asks for a level."
    BadMatrix "E0406" "An escalation matrix has no rows, or goes by a field that holds no text."
    MomentsOfFixedKind "E0407" "`start`, `stop` and `reset` belong to timeframes of kind `custom` alone."
    // Conditions.
    UnknownField "E0501" "A condition asks about a field that tickets do not have."
    WrongOperator "E0502" "An operator does not fit the type of its field."
    UnknownOperator "E0503" "An operator is not known."
    BadOperand "E0504" "A value cannot be compared with its field."
    BadExpression "E0505" "An expression is not CEL, names something unknown, or gives no truth value."
    CostlyExpression "E0506" "An expression may cost more than what is evaluated for every event."
    // Calendars.
    UnknownTimeZone "E0601" "A time zone is not known."
    BadHours "E0602" "Opening hours are not written as such, or do not lie within one day."
    OverlappingHours "E0603" "Two opening hours of one day overlap."
    UnknownWeekday "E0604" "A day of the week is not known."
    DayTwice "E0605" "A day of the week has its hours twice."
    BadDate "E0606" "A date is not one, or is out of range."
    NeverOpens "E0607" "A calendar never opens."
    IcsUnreadable "E0608" "A file of holidays cannot be read, or lies outside of the directory of the plans."
    IcsRefused "E0609" "A file of holidays has something else than all-day events, once or every year."
    // Templates.
    UnknownTemplate "E0701" "A template is not declared."
    BadTemplate "E0702" "The text of a template is not complete, or not well-formed."
    UnknownInTemplate "E0703" "A template names a variable, a field, a filter, a test, a time zone or a format that does not exist."
    BeyondTemplates "E0704" "A template asks for what the texts of notifications cannot do."
    FailingTemplate "E0705" "A template fails for some ticket, such as one whose fields are all empty."
    CostlyTemplate "E0706" "A template is longer, or may cost more, than what is rendered for every notification."
    // Plan tests.
    BadTestTime "E0801" "A time of a plan test is not written as one, or lies beyond the test's end."
    TestedPlans "E0802" "The plans, or the mappings, that a test file names cannot be read, or have errors."
    BadTestEvent "E0803" "An event of a plan test is not one that the service would read."
    BadExpectation "E0804" "An expectation of a plan test names no type, several, or an unknown ticket."
    // Mapping files.
    BadPath "E0901" "A path of a mapping is not written as one."
    BadForm "E0902" "The form of an instant is neither known nor a pattern by which one can be read."
    // Warnings.
    KeyWithoutEffect "W0101" "A key has no effect at its place."
    UnknownPriority "W0301" "A priority is not in the list of priorities, so this never applies."
    UnreachablePlan "W0302" "An earlier plan takes every ticket that this one could match."
    UnknownGoal "W0303" "A goal is for a timeframe that no plan has."
    UnusedTarget "W0304" "Nothing tells a target."
    UnusedCalendar "W0305" "Nothing goes by a calendar."
    EmptyLevel "W0306" "A level tells nobody and assigns nothing, so that it falls through to the next."
    UnknownChannel "W0307" "An entry names a channel that its target does not have."
    ReversedPriorities "W0308" "The list of priorities stands the wrong way round: it begins with the least urgent one."
    DoubleEntry "W0309" "An entry names a target whose channels earlier entries of its list have told."
    UnledLevel "W0310" "Nothing but an escalation by hand leads to a level."
    SpentMark "W0401" "A mark asks for no higher level than an earlier one of its timeframe, and warns nobody."
    StandingClock "W0402" "A timeframe pauses wherever its clock would run, so that it never counts."
    SlowLadder "W0403" "`close_within` is over before the waits of the path have led to the last level."
    ClockByLevel "W0404" "A condition of a clock asks for the level, but clocks go by facts alone: it sees the level before each fact."
    EverydayWorking "W0405" "A length in working days goes by `always`, where every day is a working day."
    EarlyMark "W0406" "A mark is reached when its clock starts, for some length of its timeframe."
    LateRepeat "W0407" "A level is left for the next before it would be told again."
    IdleClock "W0408" "A clock begins only where every clock stops, so that it never counts."
    Contradiction "W0501" "A condition can never hold: it contradicts itself, or the match of its plan."
    IdleTrigger "W0502" "A trigger asks for a level that is reached whenever its condition holds."
    OutOfRange "W0503" "A value lies outside of what its field can have."
    MisfitComparison "W0504" "An expression compares a field with what it never is, or by an order that is not meant."
    EndingCalendar "W0601" "A calendar has single days only, and nothing falls due after the last of them."
    LongClosure "W0602" "A calendar is closed for more than three months on end."
    ZoneWithoutSummer "W0603" "A time zone is an abbreviation or an offset, which has no summer time."
    UnusedTemplate "W0701" "Nothing names a template."
    UnknownStatus "W0801" "A status word in a plan test is not known, so that it counts as open."
}

impl Code {
    /// Warnings are the codes that begin with `W`.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self.id().as_bytes()[0] {
            b'W' => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// A range of bytes in one of the files of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index into the files of the set.
    pub file: usize,
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Place {
    /// A range of bytes of a file.
    #[must_use]
    pub const fn new(file: usize, start: usize, end: usize) -> Self {
        Self { file, start, end }
    }

    /// One character, given by line and column from 1.
    pub(super) fn of_line_column(file: usize, text: &str, line: u64, column: u64) -> Self {
        let at_least_one = |n: u64| usize::try_from(n.max(1)).unwrap_or(usize::MAX);
        let line_start = text
            .split_inclusive('\n')
            .take(at_least_one(line) - 1)
            .map(str::len)
            .sum::<usize>();
        let rest = text.get(line_start..).unwrap_or_default();
        let start = rest
            .char_indices()
            .nth(at_least_one(column) - 1)
            .map_or(text.len(), |(at, _)| line_start + at);
        Self::new(file, start, start + 1).within(text)
    }

    /// The part of the range that lies inside the text and ends with its first line.
    pub(super) fn within(self, text: &str) -> Self {
        let mut start = self.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        // Not the whole line is looked for: a file may be one, and this is done for every value.
        let last = self.end.clamp(start, text.len());
        let line_end = text.as_bytes()[start..last]
            .iter()
            .position(|b| *b == b'\n');
        let mut end = line_end.map_or(last, |length| start + length);
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let shown = text[start..end].trim_end().len();
        Self::new(self.file, start, start + shown)
    }

    /// Line and column, both from 1, columns in characters.
    #[must_use]
    pub fn line_column(&self, text: &str) -> (usize, usize) {
        let before = text.get(..self.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }
}

/// A text for people; what it quotes from a file may be as long as the file.
fn shortened(text: &str) -> String {
    // Some lines of a terminal.
    const CHARS_MAX: usize = 500;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// How many problems there are of a severity.
pub(super) fn count(problems: &[Problem], severity: Severity) -> usize {
    let of_it = problems.iter();
    of_it
        .filter(|problem| problem.code.severity() == severity)
        .count()
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which kind of thing.
    pub code: Code,
    /// Where.
    pub place: Place,
    /// What is wrong, with the words of the file.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// Another place that matters, and why.
    pub other: Option<(Place, String)>,
}

impl Problem {
    /// A problem at one place.
    #[must_use]
    pub fn new(code: Code, place: Place, message: &str, remedy: &str) -> Self {
        Self {
            code,
            place,
            message: shortened(message),
            remedy: shortened(remedy),
            other: None,
        }
    }

    /// Adds another place that matters.
    #[must_use]
    pub fn with_other(mut self, place: Place, label: &str) -> Self {
        self.other = Some((place, label.to_owned()));
        self
    }

    /// File, line and column for people.
    #[must_use]
    pub fn position<'a>(&self, sources: &'a Sources) -> (&'a str, usize, usize) {
        let Some(source) = sources.files().get(self.place.file) else {
            return ("", 1, 1);
        };
        let (line, column) = self.place.line_column(&source.text);
        (&source.path, line, column)
    }
}
