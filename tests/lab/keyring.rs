//! Keys for dropbear, which only reads the home of the passwd database. So there is one list for
//! all its situations, in the home of the account that belongs to the tests.

use std::{
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
};

use crate::world::{Key, World};

/// Lets dropbear take this key. Lines are only ever added, so that situations do not disturb each
/// other.
pub fn allow(world: &World, key: &Key) {
    let ssh = world.person.passwd_home.join(".ssh");
    fs::create_dir_all(&ssh).unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o700)).unwrap();
    let keys = ssh.join("authorized_keys");
    let mut file =
        fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&keys).unwrap();
    file.write_all(format!("{}\n", key.public).as_bytes()).unwrap();
    world.person.owns(&ssh);
    world.person.owns(&keys);
}
