//! What is found about a second hop, and what must not be claimed.
