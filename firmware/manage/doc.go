// Package manage is the phone's SSH console: `ssh -p 2222 admin@PHONE COMMAND`.
//
//	TCP ─▶ door ─▶ handshake ─▶ connection ─▶ session ─▶ command ─▶ Phone
//	      (rate)   (key only)   (keep-alive)  (exec, dashboard, (text or
//	                                           or prompt)        JSON)
//
// The keys that may enter are in DIR/authorized_keys, in OpenSSH's format; the file
// is read anew at each login, and who is taken out of it is thrown out. Without
// the file the server runs and refuses everybody. The phone's own key is made at
// the first start, in DIR/ssh_host_key, and never replaced.
//
// Who enters is an admin or, by an option that OpenSSH's tools know, a viewer, who
// changes nothing and sees neither secrets nor messages:
//
//	environment="ROLE=viewer" ssh-ed25519 AAAA... trainee
//
// A command is for admins only unless it says otherwise (role.go).
//
// # What is refused
//
// All but one user name, passwords, everything that forwards (ports, agent, X11,
// streams), subsystems, environment (but what says which signs a terminal can show),
// options in authorized_keys that this server would not keep, and all algorithms that are not of the strictest: key exchange
// with X25519 (with ML-KEM-768 or alone), AEAD ciphers, an Ed25519 host key. With
// all clients since 2024 the key exchange is the strict one that answers the
// Terrapin attack.
//
// # What a stranger can cost
//
// A connection takes a token from its source's bucket, given back when it
// authenticates: whoever holds a key may run thousands of commands, whoever does
// not gets a few tries a minute. Handshakes are bounded in number and in time, and
// so are connections, sessions and what waits for a slow reader. The figures are
// in limits.go.
//
// # Commands
//
// Each command prints text for people or, with --json, one JSON value a line. Its
// exit status is 0 (done), 1 (failed: one line with a reason and a hint on
// standard error) or 2 (wrong usage). With a terminal and no command there is the
// dashboard (firmware/dashboard), which polls while somebody looks and not longer, or
// on a terminal that can show lines only, a line prompt. All that came from other people (names in the call log, say) is
// stripped of control characters before it reaches a terminal.
package manage
