//! Whether a login with a password is offered, and one attempt, where somebody wants it.
//!
//! The request `none` asks for the list of methods, as `ssh` does first. The password is sent once
//! at most, and nothing that the server asks beside it is answered.

use std::time::Duration;

use russh::{
    MethodSet,
    client::{AuthResult, KeyboardInteractiveAuthResponse as Response},
};

use super::{
    Session,
    answer::{names, wait},
};
use crate::{
    evidence::{
        Limits,
        password::{Answer, Attempt, Method, PasswordLogin},
        queries::Broken,
    },
    password::Password,
    text::Foreign,
};

/// How often a server may ask nothing: PAM does so once, after it has let in.
const EMPTY_QUESTIONS: usize = 4;
/// After an answer that is neither yes nor no, a yes or no may still follow for so long.
const AFTERTHOUGHT: Duration = Duration::from_secs(3);
/// How often it is looked whether something came.
const LOOK: Duration = Duration::from_millis(100);

/// About whom, and how, the server is asked.
pub struct Wanted<'p> {
    /// The user to log in as.
    pub user: String,
    /// The methods that the configuration allows, in the order of `ssh`.
    pub allowed: Vec<Method>,
    /// The password, where a login is wanted.
    pub password: Option<&'p Password>,
    /// Whether the server's key is a known one. Only then is the password sent.
    pub proven: bool,
    /// How long one answer may take.
    pub answer: Duration,
}

/// Asks for the methods, and logs in where that is wanted, offered, allowed and safe.
pub async fn log_in_with_password(
    session: &mut Session,
    wanted: Wanted<'_>,
    limits: &Limits,
) -> PasswordLogin {
    let login = PasswordLogin { user: wanted.user.clone(), ..PasswordLogin::default() };
    let mut asking = Asking { session, wanted, limits, login };
    asking.methods().await;
    if let Some(password) = asking.wanted.password
        && !asking.login.open_door
        && asking.login.broken.is_none()
    {
        let methods = asking.wanted.allowed.clone();
        let methods = methods.into_iter().filter(|method| asking.login.offers(*method));
        let methods: Vec<_> = methods.collect();
        if !asking.wanted.proven {
            asking.login.withheld = !methods.is_empty();
        } else {
            asking.attempts(&methods, password).await;
        }
    }
    let trail = asking.session.trail.lock();
    let mut login = asking.login;
    login.banner = trail.heard_banner().cloned();
    login.disconnect = trail.disconnect().cloned();
    drop(trail);
    settle(&mut login);
    login
}

/// A server that bears no further failure says so in place of a refusal (OpenSSH's
/// `auth_maxtries_exceeded`).
fn settle(login: &mut PasswordLogin) {
    let words = login.disconnect.as_ref().map(|goodbye| goodbye.description.raw());
    let cut_off = words.is_some_and(|w| w.to_ascii_lowercase().contains("too many authentication"));
    let answered = |attempt: &&mut Attempt| attempt.sent && attempt.answer == Answer::None;
    if let Some(attempt) = login.attempt.as_mut().filter(|a| cut_off && answered(a)) {
        attempt.answer = Answer::Refused;
        login.broken = None;
    }
}

struct Asking<'s, 'p> {
    session: &'s mut Session,
    wanted: Wanted<'p>,
    limits: &'s Limits,
    login: PasswordLogin,
}

impl Asking<'_, '_> {
    async fn methods(&mut self) {
        let asked = self.session.handle.authenticate_none(&self.wanted.user);
        match wait(asked, self.wanted.answer, self.limits).await {
            Ok(Ok(AuthResult::Success)) => self.login.open_door = true,
            Ok(Ok(AuthResult::Failure { remaining_methods, .. })) => {
                self.failed(&remaining_methods).await;
            }
            Ok(Err(_)) => self.login.broken = Some(Broken::ServerEnded),
            Err(why) => self.login.broken = Some(why),
        }
    }

    /// A refusal, or what the library takes for one: a lost conversation.
    async fn failed(&mut self, remaining: &MethodSet) -> bool {
        if remaining.is_empty() && !self.session.has_no_methods().await {
            self.login.broken = Some(Broken::ServerEnded);
            return false;
        }
        self.login.methods.get_or_insert(names(remaining));
        true
    }

    /// One method after the other, as `ssh` does, until the password was sent. A server that has
    /// nothing to ask refuses keyboard-interactive at once.
    async fn attempts(&mut self, methods: &[Method], password: &Password) {
        for method in methods {
            let (answer, sent) = match method {
                Method::Password => (self.by_password(password).await, true),
                Method::KeyboardInteractive => self.by_question(password).await,
            };
            let goes_on = answer == Answer::Refused && !sent;
            self.login.attempt = Some(Attempt { method: *method, answer, sent });
            if !goes_on {
                return;
            }
        }
    }

    async fn by_password(&mut self, password: &Password) -> Answer {
        let trail = self.session.trail.clone();
        let heard = || {
            let trail = trail.lock();
            (trail.received(), trail.heard_banner().is_some())
        };
        let before = heard();
        // The library wipes its copy.
        let sent = self
            .session
            .handle
            .authenticate_password(&self.wanted.user, password.reveal().to_owned());
        // The library passes over a wish for a new password, so its bytes alone tell of it.
        let odd = async {
            loop {
                tokio::time::sleep(LOOK).await;
                let now = heard();
                if now.0 > before.0 && now.1 == before.1 {
                    return tokio::time::sleep(AFTERTHOUGHT).await;
                }
            }
        };
        let told = tokio::select! {
            biased;
            told = wait(sent, self.wanted.answer, self.limits) => told,
            () = odd => return Answer::NeitherYesNorNo,
        };
        match told {
            Ok(Ok(AuthResult::Success)) => Answer::Accepted,
            Ok(Ok(AuthResult::Failure { remaining_methods, partial_success })) => {
                self.refused(&remaining_methods, partial_success).await
            }
            Ok(Err(_)) => self.broken(Broken::ServerEnded),
            Err(why) => self.broken(why),
        }
    }

    /// The one hidden question is answered once; what is asked beside it is not.
    async fn by_question(&mut self, password: &Password) -> (Answer, bool) {
        let (answer, limits) = (self.wanted.answer, self.limits);
        let (mut sent, mut empty) = (false, 0);
        let handle = &mut self.session.handle;
        let start = handle.authenticate_keyboard_interactive_start(&self.wanted.user, None);
        let mut told = wait(start, answer, limits).await;
        loop {
            let (prompts, instructions) = match told {
                Ok(Ok(Response::Success)) => return (Answer::Accepted, sent),
                Ok(Ok(Response::Failure { remaining_methods, partial_success })) => {
                    return (self.refused(&remaining_methods, partial_success).await, sent);
                }
                Ok(Ok(Response::InfoRequest { prompts, instructions, .. })) => {
                    (prompts, instructions)
                }
                Ok(Err(_)) => return (self.broken(Broken::ServerEnded), sent),
                Err(why) => return (self.broken(why), sent),
            };
            let answers = match prompts.as_slice() {
                [] if empty < EMPTY_QUESTIONS => {
                    empty += 1;
                    Vec::new()
                }
                [one] if !one.echo && !sent => {
                    sent = true;
                    vec![password.reveal().to_owned()]
                }
                others => {
                    let words = others.iter().take(4).map(|p| p.prompt.as_str());
                    let words = std::iter::once(instructions.as_str()).chain(words);
                    let words = words.map(str::trim).filter(|words| !words.is_empty());
                    let prompts = words.map(|w| Foreign::from_bytes(w.as_bytes())).collect();
                    return (Answer::Asked { prompts }, sent);
                }
            };
            let next = self.session.handle.authenticate_keyboard_interactive_respond(answers);
            told = wait(next, answer, limits).await;
        }
    }

    async fn refused(&mut self, remaining: &MethodSet, partial: bool) -> Answer {
        if partial {
            return Answer::Partial { methods: names(remaining) };
        }
        if self.failed(remaining).await { Answer::Refused } else { Answer::None }
    }

    fn broken(&mut self, why: Broken) -> Answer {
        self.login.broken = Some(why);
        Answer::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::handshake::Disconnect;

    #[test]
    fn a_server_that_bears_one_failure_alone_has_refused() {
        for (words, sent, expected) in [
            ("Too many authentication failures", true, Answer::Refused),
            ("Too many authentication failures", false, Answer::None),
            ("Bye", true, Answer::None),
        ] {
            let description = Foreign::from_bytes(words.as_bytes());
            let mut login = PasswordLogin {
                attempt: Some(Attempt { method: Method::Password, answer: Answer::None, sent }),
                disconnect: Some(Disconnect { code: 2, description }),
                broken: Some(Broken::ServerEnded),
                ..PasswordLogin::default()
            };
            settle(&mut login);
            assert_eq!(login.answer(), Some(&expected));
            assert_eq!(login.broken.is_none(), expected == Answer::Refused);
        }
    }
}
