// Package siptest tests SIP without a network: connections in memory, which run
// in a testing/synctest bubble; an office of certificates; and a scripted peer
// that plays a far end with messages written out by hand, well-formed or not.
//
//	net := siptest.NewNetwork()
//	office := siptest.NewOffice(t)
//	bob := siptest.Accept(t, office, "102", listener) // or siptest.Dial
//	bob.Expect("^INVITE ")
//	bob.Reply("180 Ringing", "")
//
//	phone := siptest.Client(t, net, ip, "udp", addr) // a client: datagrams, TCP or TLS
//	phone.Send("REGISTER sip:office SIP/2.0\nVia: SIP/2.0/${Transport} ${Local};branch=z9hG4bK1\n...")
package siptest
