//! Asking the person at the terminal, or reading the same answers from a pipe.
//!
//! In: a question. Out: a line. Always true: questions go to stderr, so stdout stays for results; a secret is not echoed while a
//! terminal is there to echo it.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use secrecy::SecretString;

/// Asks and returns the answer without blanks around it; empty when the input has ended.
pub(super) fn ask(question: &str) -> io::Result<String> {
    write!(io::stderr(), "{question} ")?;
    io::stderr().flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    if !io::stdin().is_terminal() {
        // The answer's own line end is not on the screen.
        writeln!(io::stderr())?;
    }
    Ok(line.trim().to_owned())
}

/// Asks for a secret.
pub(super) fn ask_secret(question: &str) -> io::Result<SecretString> {
    if !io::stdin().is_terminal() {
        return ask(question).map(SecretString::from);
    }
    write!(io::stderr(), "{question} ")?;
    io::stderr().flush()?;
    let line = rpassword::read_password()?;
    Ok(SecretString::from(line.trim()))
}

/// Asks a question to be answered with yes or no; an empty answer is `otherwise`.
pub(super) fn agrees(question: &str, otherwise: bool) -> io::Result<bool> {
    let choice = if otherwise { "[Y/n]" } else { "[y/N]" };
    let answer = ask(&format!("{question} {choice}"))?.to_lowercase();
    Ok(match answer.as_str() {
        "" => otherwise,
        answer => matches!(answer, "y" | "yes" | "1" | "是" | "好" | "对"),
    })
}
