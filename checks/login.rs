//! Login: a real one, where it was asked for.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::{
        Evidence, Seen,
        login::{self, Proof},
    },
    finding::Finding,
    text,
    text::user,
};

/// Login.
pub struct Login;

impl Check for Login {
    const ABOUT: About = About { id: "login", title: "Login" };
    type Facts<'e> = &'e Seen<login::Login>;

    fn applies(plan: &Plan) -> bool {
        plan.login
    }

    async fn observe(evidence: &Evidence) -> &Seen<login::Login> {
        evidence.login().await
    }

    fn judge(_plan: &Plan, login: &Seen<login::Login>) -> Finding {
        let login = match login {
            Ok(login) => login,
            Err(why) => return Finding::unseen(why),
        };
        let who = user(&login.user);
        let finding = match (&login.proof, &login.session) {
            (Proof::Accepted, Some(run)) if run.is_success() => {
                Finding::pass(text!["Logged in as ", who, ", and out again."])
            }
            _ => Finding::fail(text!["The login as ", who, " did not work."]),
        };
        finding.fact("login", login)
    }
}
