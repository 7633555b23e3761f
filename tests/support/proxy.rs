//! A wire to a server on the loopback that breaks when it is told to.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) struct Proxy {
    pub(crate) port: u16,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    server: u16,
    /// Bytes from the client after which a connection breaks.
    cut_after: AtomicU64,
    /// Connections that break; the others do not.
    cuts_left: AtomicUsize,
    /// Bytes from the client, all connections together.
    passed: AtomicU64,
    connections: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
    over: AtomicBool,
}

impl Proxy {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire = Arc::new(Wire { server, ..Wire::default() });
        let accepting = wire.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { continue };
                if accepting.over.load(Ordering::SeqCst) {
                    break;
                }
                accepting.connections.fetch_add(1, Ordering::SeqCst);
                Wire::join(&accepting, client);
            }
        });
        Self { port, wire }
    }

    /// The next `connections` break after that many bytes from the client each.
    pub(crate) fn cut(&self, bytes: u64, connections: usize) {
        self.wire.cut_after.store(bytes, Ordering::SeqCst);
        self.wire.cuts_left.store(connections, Ordering::SeqCst);
    }

    /// Bytes from the client since the last call.
    pub(crate) fn take_passed(&self) -> u64 {
        self.wire.passed.swap(0, Ordering::SeqCst)
    }

    pub(crate) fn take_connections(&self) -> usize {
        self.wire.connections.swap(0, Ordering::SeqCst)
    }

    /// Breaks all connections now.
    pub(crate) fn cut_now(&self) {
        for stream in self.wire.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wire.over.store(true, Ordering::SeqCst);
        self.cut_now();
        // Wakes the thread that waits for another connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Wire {
    fn join(self: &Arc<Self>, client: TcpStream) {
        let mut cuts = self.cuts_left.load(Ordering::SeqCst);
        while cuts > 0 {
            match self.cuts_left.compare_exchange(cuts, cuts - 1, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => break,
                Err(now) => cuts = now,
            }
        }
        let limit = if cuts > 0 { self.cut_after.load(Ordering::SeqCst) } else { u64::MAX };
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.server)) else { return };
        let clone = |stream: &TcpStream| stream.try_clone().unwrap();
        self.open.lock().unwrap().extend([clone(&client), clone(&server)]);
        let (back, forth) = ((clone(&server), clone(&client)), (client, server));
        let wire = self.clone();
        std::thread::spawn(move || carry(back.0, back.1, u64::MAX, None));
        std::thread::spawn(move || carry(forth.0, forth.1, limit, Some(&wire.passed)));
    }
}

/// Until one end is closed, or the limit is reached; then neither end hears of the other again.
fn carry(mut from: TcpStream, mut to: TcpStream, mut limit: u64, passed: Option<&AtomicU64>) {
    let mut buffer = vec![0; 1 << 16];
    while limit > 0 {
        let most = limit.min(buffer.len() as u64) as usize;
        let Ok(count @ 1..) = from.read(&mut buffer[..most]) else { break };
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
        limit -= count as u64;
        if let Some(passed) = passed {
            passed.fetch_add(count as u64, Ordering::SeqCst);
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
