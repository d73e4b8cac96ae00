// Package server decides what becomes of each SIP request that reaches this phone:
// it is the Handler of the stack, and knows who may ask for what.
//
//	            flow of                   out of dialog                in dialog, or routed
//	telephone's loopback    number, contact  -> proxy                 -> proxy
//	phone of the office     own number       -> telephone             -> telephone, proxy
//	                        client's contact -> proxy
//	client (password)       REGISTER         -> registrar             -> proxy, if the flow is
//	                        SUBSCRIBE PUBLISH-> presence                 the dialog's; presence
//	                        MESSAGE          -> message
//	                        everything else  -> proxy
//	stranger                401, 407, and nothing that tells one address from another
//
// A phone of the office is believed in what it says of clients, because it has asked
// them for their passwords; a client speaks for itself only. Everybody in a network
// that the office trusts is a client without a password.
//
// Strangers are refused without a trace: over UDP no transaction is kept for them, and
// of look-ups in the ring they have few at once.
//
// Addresses are the office's: its name, or the IP address of any of its phones for
// clients that were given that. There is no way out of the office: a request for any
// other domain is refused, whoever sends it. A tag in To opens no way out either: what
// a client sends in a dialog goes to parties of that dialog, to phones of the office and
// to where its recipient is registered.
package server
