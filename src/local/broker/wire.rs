//! Bytes to packets and back, over any stream. The one module over the codec crate, and what that crate lets through
//! is checked here: a stand-in that takes what AWS refuses hides mistakes.

use std::io;

use rmqtt_codec::version::{ProtocolVersion, VersionCodec};
use rmqtt_codec::{v3, v5};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use super::packet::{Incoming, Outgoing, Version};

mod fault;
mod frame;
mod raw;
mod translate_3;
mod translate_5;

pub(super) use fault::WireError;
use frame::MOST_BYTES;

/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;

enum Codec {
    /// The CONNECT has not been seen.
    Undecided,
    V3(v3::Codec),
    V5(v5::Codec),
}

/// One connection's stream with its buffers.
pub(super) struct Wire<S> {
    stream: S,
    codec: Codec,
    incoming: BytesMut,
    outgoing: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, codec: Codec::Undecided, incoming: BytesMut::new(), outgoing: BytesMut::new() }
    }

    /// The next packet. Safe to cancel.
    pub(super) async fn read(&mut self) -> Result<Incoming, WireError> {
        loop {
            if let Some(packet) = self.decode()? {
                return Ok(packet);
            }
            self.incoming.reserve(CHUNK);
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }

    /// Takes one whole packet out of what has been read.
    fn decode(&mut self) -> Result<Option<Incoming>, WireError> {
        let Some(frame) = frame::first(&self.incoming, MOST_BYTES)? else { return Ok(None) };
        if matches!(self.codec, Codec::Undecided) {
            self.decide(&frame)?;
        }
        let version = if matches!(self.codec, Codec::V5(_)) { Version::V5 } else { Version::V3 };
        raw::check(frame.first_byte, frame.body(&self.incoming), version)?;
        let mut whole = self.incoming.split_to(frame.end());
        let malformed = |error: rmqtt_codec::error::DecodeError| WireError::Malformed(error.to_string());
        let packet = match &mut self.codec {
            Codec::V5(codec) => match codec.decode(&mut whole).map_err(malformed)? {
                Some((packet, _)) => translate_5::incoming(packet)?,
                None => return Err(WireError::Malformed("a packet ends too early".to_owned())),
            },
            Codec::V3(codec) => match codec.decode(&mut whole).map_err(malformed)? {
                Some((packet, _)) => translate_3::incoming(packet)?,
                None => return Err(WireError::Malformed("a packet ends too early".to_owned())),
            },
            Codec::Undecided => return Err(WireError::Malformed("the first packet is no CONNECT".to_owned())),
        };
        Ok(Some(packet))
    }

    fn decide(&mut self, frame: &frame::Frame) -> Result<(), WireError> {
        let mut head = BytesMut::from(self.incoming.get(..frame.end()).unwrap_or_default());
        self.codec = match VersionCodec.decode(&mut head) {
            Ok(Some(ProtocolVersion::MQTT5)) => Codec::V5(v5::Codec::new(MOST_BYTES, 0)),
            Ok(Some(ProtocolVersion::MQTT3)) => Codec::V3(v3::Codec::new(MOST_BYTES)),
            _ => return Err(WireError::Malformed("the first packet is no CONNECT of MQTT 3.1.1 or 5".to_owned())),
        };
        Ok(())
    }

    /// Puts a packet into the buffer; [`Wire::flush`] sends it.
    pub(super) fn queue(&mut self, packet: Outgoing) {
        let encoded = match &mut self.codec {
            Codec::V5(codec) => codec.encode(translate_5::outgoing(packet), &mut self.outgoing),
            Codec::V3(codec) => match translate_3::outgoing(packet) {
                Some(packet) => codec.encode(packet, &mut self.outgoing),
                None => Ok(()),
            },
            Codec::Undecided => Ok(()),
        };
        if let Err(error) = encoded {
            tracing::error!("a packet cannot be written: {error}");
        }
    }

    /// Bytes that wait to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.outgoing.len()
    }

    /// Sends what waits. Safe to cancel.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            self.stream.write_buf(&mut self.outgoing).await?;
        }
        self.stream.flush().await
    }

    /// Sends what waits and closes.
    pub(super) async fn close(&mut self) {
        // The peer may be gone; there is nobody to tell.
        let _ = self.flush().await;
        let _ = self.stream.shutdown().await;
    }
}
