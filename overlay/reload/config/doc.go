// Package config is RELOAD's configuration document: what all nodes of an
// overlay must agree about, in XML, signed (RFC 6940, section 11.1).
//
//	<overlay xmlns="urn:ietf:params:xml:ns:p2p:config-base" ...>
//	  <configuration instance-name="acme" sequence="1" ...>  ─┐
//	    <root-cert>...</root-cert>                             │ signed as it
//	    <configuration-signer>9f86...</configuration-signer>   │ stands, octet
//	    <required-kinds>                                       │ by octet
//	      <kind-block>                                         │
//	        <kind id="4026531841">...</kind>  ── signed, too   │
//	        <kind-signature>...</kind-signature>               │
//	      </kind-block>                                        │
//	    </required-kinds>                                      │
//	  </configuration>                                        ─┘
//	  <signature>...</signature>
//	</overlay>
//
// Both kinds of signature are a SecurityBlock (section 6.3.4) in base 64. What
// it covers is the element, from its first < to its last >, and after it the
// SignerIdentity, as with every other signature of RELOAD.
//
// Nobody is trusted for having sent a document. A new one takes the place of the
// one in force only when one of that one's configuration-signers has signed it
// and its sequence number is greater.
//
//	d := config.New("acme", founder.ID(), founder.Root())
//	octets, err := d.Sign(founder)
//	current, err := config.Open(octets, "acme", member.Verify)   // a link.Configuration
package config
