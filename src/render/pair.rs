//! The words about two targets of which the second is reached from the first.

use checks::{
    pair::{End, Part, Role},
    text::foreign,
};

/// What the words are about.
pub struct Words<'p> {
    part: &'p Part,
    from: String,
    to: String,
}

impl<'p> Words<'p> {
    /// The words about a pair.
    #[must_use]
    pub fn of(part: &'p Part) -> Self {
        let name = |end: &End| foreign(&end.input).plain();
        Self { part, from: name(&part.source), to: name(&part.destination) }
    }

    const fn is_copy(&self) -> bool {
        self.part.service.is_none()
    }

    /// The first line.
    #[must_use]
    pub fn title(&self) -> String {
        let Self { from, to, .. } = self;
        if self.is_copy() {
            format!("ssh-preflight copy from {from} to {to}")
        } else {
            format!("ssh-preflight {to} from {from}")
        }
    }

    /// What the program did to find out.
    #[must_use]
    pub fn what_is_done(&self) -> String {
        if self.is_copy() {
            let file =
                self.part.file.as_ref().map(|_| " and at the destination").unwrap_or_default();
            format!(
                "copy logs in at the source{file}, and runs commands there that change nothing."
            )
        } else {
            "It logs in at the environment, runs commands there that change nothing, and logs in at \
             the service from there and from here."
                .to_owned()
        }
    }

    /// What stands above the checks of a part.
    #[must_use]
    pub fn heading(&self, role: Option<Role>) -> String {
        let Self { from, to, .. } = self;
        match (role, self.is_copy()) {
            (Some(Role::Hop), _) => format!("From {from} to {to}"),
            (Some(Role::Destination), true) => {
                format!("The destination {to}, from here (for comparison: no copy goes this way)")
            }
            (Some(Role::Destination), false) => format!("The service {to}, from here"),
            (_, true) => format!("The source {from}"),
            (_, false) => format!("The environment {from}"),
        }
    }

    /// That nothing is wrong.
    #[must_use]
    pub fn ready(&self) -> String {
        let Self { from, to, .. } = self;
        if self.is_copy() {
            format!("Ready: the copy from {from} to {to} will work.")
        } else {
            format!("Ready: {to} lets you in, from here and from {from}.")
        }
    }
}
