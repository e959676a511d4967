//! A UNIX socket whose clients write lines: each is a payload, published unchanged.
//!
//! Many clients write at once, and the lines of one client keep their order. Nobody is answered: a line is safe when it
//! is in the queue. While the queue has no room nobody is read, so writers wait.

use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::input::Input;
use super::lines::splitter::Splitter;
use crate::error::{Error, Kind, Result};

/// Clients at once; the next ones wait to be let in.
const CLIENTS: usize = 100;
/// Who may connect: the user and the group of the feeder.
const MODE: u32 = 0o660;
/// How long to wait when the operating system has no file descriptor for a client.
const BREATH: Duration = Duration::from_millis(100);

/// A socket that is listened to. Dropping it ends it and removes its file.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    /// Device and inode of our file: another process may have put its own in its place.
    file: Option<(u64, u64)>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Socket {
    /// Listens at `path` and hands lines to `sink`. A file that a killed process left there is replaced.
    ///
    /// # Errors
    /// Somebody listens there, something else is there, or the folder takes no socket.
    pub fn listen(path: &Path, sink: mpsc::Sender<Input>) -> Result<Self> {
        make_way(path)?;
        let listener = bind(path).map_err(|error| {
            Error::new(Kind::Configuration, format!("cannot listen at `{}`", path.display())).because(error)
        })?;
        let file = std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, sink, stopped));
        Ok(Self { path: path.to_owned(), file, stop, task })
    }

    /// Lets nobody in any more; what clients have written is still handed over.
    pub fn stop(&mut self) {
        // Nobody listens to it when all have ended already.
        let _ = self.stop.send(true);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
        let there = std::fs::metadata(&self.path).ok().map(|file| (file.dev(), file.ino()));
        if there.is_some() && there == self.file {
            // Whoever starts next replaces it all the same.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Refuses a path at which something lives.
fn make_way(path: &Path) -> Result<()> {
    let shown = path.display();
    match std::fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => {
            Err(Error::new(Kind::Overwrite, format!("`{shown}` is there already, and is no socket")))
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            Err(Error::new(Kind::Conflict, format!("somebody listens at `{shown}` already"))
                .hint(format!("fuser {shown}")))
        }
        _ => Ok(()),
    }
}

/// Nobody can connect before the file has its permissions, and an old one is replaced in one step.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let _ = std::fs::remove_file(&new);
    let listener = UnixListener::bind(&new)?;
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(MODE))?;
    std::fs::rename(&new, path)?;
    Ok(listener)
}

/// Lets clients in until the end, and waits for what they wrote.
async fn accept(listener: UnixListener, sink: mpsc::Sender<Input>, mut stopped: watch::Receiver<bool>) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            () = told(&mut stopped) => break,
            Some(_) = clients.join_next() => {}
            client = listener.accept(), if clients.len() < CLIENTS => match client {
                Ok((stream, _)) => {
                    clients.spawn(serve(stream, sink.clone(), stopped.clone()));
                }
                Err(error) => {
                    tracing::warn!("cannot let a client in: {error}");
                    tokio::time::sleep(BREATH).await;
                }
            },
        }
    }
    drop(listener);
    while clients.join_next().await.is_some() {}
}

/// Resolves when it is time to end.
async fn told(stopped: &mut watch::Receiver<bool>) {
    // That the sender is gone says the same.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Hands over the lines of one client. Its last line must have an end: without one it may be half of what was meant.
async fn serve(stream: UnixStream, sink: mpsc::Sender<Input>, mut stopped: watch::Receiver<bool>) {
    let (mut splitter, mut buffer) = (Splitter::default(), [0; 8192]);
    loop {
        let is_last = tokio::select! {
            ready = stream.readable() => ready.is_err(),
            () = told(&mut stopped) => true,
        };
        let mut bytes = match stream.try_read(&mut buffer) {
            Ok(read) if read > 0 => buffer.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::WouldBlock && !is_last => continue,
            _ => break,
        };
        while let Some(line) = splitter.next(&mut bytes) {
            if sink.send(line).await.is_err() {
                return;
            }
        }
    }
    if splitter.end().is_some() {
        tracing::warn!("a client of the socket left in the middle of a line, which is not published");
    }
}
