//! Disks that keep no permissions: there `chmod` has no effect, and every file is open to all.

use std::path::Path;

/// The kind of disk that a file is on, where it is one that keeps no permissions.
#[cfg(target_os = "linux")]
pub fn without_permissions(path: &Path) -> Option<String> {
    // Numbers of the kernel: linux/magic.h, and the sources of exfat and ntfs3.
    let name = match nix::sys::statfs::statfs(path).ok()?.filesystem_type().0 {
        0x4d44 => "vfat",
        0x2011_bab0 => "exfat",
        0x5346_544e | 0x7366_746e => "ntfs",
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => "smb",
        _ => return None,
    };
    Some(name.to_owned())
}

/// The kind of disk that a file is on: not told by other systems.
#[cfg(not(target_os = "linux"))]
pub fn without_permissions(_path: &Path) -> Option<String> {
    None
}
