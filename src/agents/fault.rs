//! Why a sentence is not believed.
//!
//! Its text is told to the model, which may mend the sentence once, and to nobody else.

use crate::model::EvidenceId;

use super::form::CLAIM_CHARS;

/// Why a sentence is not believed. Told to the model, which may mend it once.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    #[error("empty sentence")]
    Empty,
    #[error("longer than {CLAIM_CHARS} characters")]
    TooLong,
    #[error("not in the language asked for")]
    Language,
    #[error("cites no finding and no evidence")]
    Uncited,
    #[error("`{0}` is not the id of a finding or record you were given")]
    UnknownId(String),
    #[error("`{0}` is no record of the findings cited")]
    Elsewhere(EvidenceId),
    #[error("the number {0} is in no cited record or finding")]
    Number(f64),
    #[error("the quantity {0} is in no cited record or finding")]
    Quantity(String),
    #[error("the hour {0} is of no cited record or finding")]
    Hour(u8),
    #[error("the name `{0}` is in no cited record or finding")]
    Name(String),
    #[error("the time {0:02}:{1:02} is in no cited record or finding")]
    Time(u8, u8),
    #[error("the date {0} is in no cited record or finding")]
    Date(String),
    #[error("the quotation `{0}` is in no cited record or finding")]
    Quote(String),
    #[error("nothing in it can be looked up in what it cites")]
    Bare,
    #[error("it says that all is well, which no record shows")]
    Well,
    #[error("`{0}` is not something a log of a cluster says")]
    Foreign(&'static str),
    #[error("nothing it cites says `{0}`")]
    Word(String),
    #[error("the number {0} does not count what stands behind it there")]
    Unit(f64),
    #[error("{0:02}:{1:02} is not when it began or ended, as it says")]
    Role(u8, u8),
    #[error("it cites findings of several objects and names none of them")]
    Whose,
    #[error("`{0}` is an order or advice, which is not yours to give")]
    Order(String),
    #[error("`{0}` says that a guess is certain")]
    Certain(String),
    #[error("a guess has to say that it is one")]
    Unhedged,
    #[error("a guess has to name an object of the problem")]
    Nameless,
}
