//! The facts about a login with a password, and about the SFTP session behind it.

use std::sync::Arc;

use super::{
    Evidence, Needed, Seen, Unseen,
    configuration::Effective,
    password::{Method, PasswordLogin},
    session,
    sftp::{self, SftpSession},
};
use crate::{
    host_trust::{self, Trust},
    password::Password,
};

impl Evidence {
    /// The same, with the password for one login.
    #[must_use]
    pub fn with_password(self, password: Arc<Password>) -> Self {
        Self { password: Some(password), ..self }
    }

    /// Whether a login with a password is offered; with a password, one attempt. On the connection
    /// on which keys were exchanged.
    pub async fn password_login(&self) -> &Seen<PasswordLogin> {
        self.password_login
            .once(&self.limits, || async {
                let effective = self.effective().await?.clone();
                let (handshake, known) = futures_util::join!(self.handshake(), self.known_hosts());
                let session = self.live.session.lock().await.take();
                let (Ok(handshake), Some(mut session)) = (handshake, session) else {
                    return Err(Unseen::Needs(Needed::Handshake));
                };
                let trust = self.trust(known, handshake, &effective);
                let interactive = self.plan.may_ask(&effective);
                if !host_trust::goes_on(trust.as_ref(), &effective, interactive) {
                    session.close().await;
                    return Err(Unseen::Needs(Needed::TrustedHost));
                }
                let proven = matches!(trust, Some(Trust::Known(_) | Trust::KnownByAuthority(_)));
                let wanted = session::Wanted {
                    user: effective.user.clone(),
                    allowed: allowed(&effective),
                    password: self.password.as_deref(),
                    proven,
                    answer: self.answer_limit(),
                };
                let login = session::log_in_with_password(&mut session, wanted, &self.limits).await;
                let goes_on = login.is_in() && self.plan.access.sftp().is_some_and(|w| w.login);
                if goes_on {
                    *self.live.session.lock().await = Some(session);
                } else {
                    session.close().await;
                }
                Ok(login)
            })
            .await
    }

    /// What an SFTP session shows, once somebody is logged in; then the goodbye.
    pub async fn sftp(&self) -> &Seen<SftpSession> {
        self.sftp
            .once(&self.limits, || async {
                let login = self.password_login().await;
                let session = self.live.session.lock().await.take();
                let (Ok(_), Some(session), Some(wish)) = (login, session, self.plan.access.sftp())
                else {
                    return Err(Unseen::Needs(Needed::Login));
                };
                let seen =
                    sftp::observe(&session, Some(wish), self.answer_limit(), &self.limits).await;
                session.close().await;
                Ok(seen)
            })
            .await
    }
}

/// The methods for a password that the configuration allows, in the order of `ssh`
/// (`sshconnect2.c`, authmethods).
fn allowed(effective: &Effective) -> Vec<Method> {
    let mut all = vec![Method::KeyboardInteractive, Method::Password];
    if let Some(preferred) = &effective.preferred_authentications {
        all.sort_by_key(|method| preferred.iter().position(|m| m == method.name()));
    }
    all.into_iter().filter(|method| effective.allows(*method)).collect()
}
