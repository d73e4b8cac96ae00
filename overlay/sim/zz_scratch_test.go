package sim
import ("testing";"time";"fmt";"chordophone/overlay/chord")
func TestZZ(t *testing.T){
  for _,m:=range []Malice{Drops|Forges,Misroutes|Forges,Stale|Forges, Forges, Drops|Misroutes|Forges} {
	p:=Plan{Nodes:20,Seed:1,Lookups:500,Malicious:0.05,Malice:m,Delay:time.Millisecond}
	e := experiment{Plan: p, Net: New(Config{Seed: p.Seed, Chord: chord.LAN(), Delay: p.Delay, Loss: p.Loss})}
	e.grow()
	e.RunUntil(settleTime, e.settled)
	e.Run(time.Minute)
	for _,i:=range []int{11} { e.Corrupt(i,m) }
	e.Run(2*time.Minute)
	l:=e.lookups(5*time.Second)
	t.Log(m,l.made,l.right,l.wrong)
	for i,h:=range e.hosts { v:=h.Node.View(); if len(v.Succ)!=19 || e.Owner(e.Members(),v.Self.ID)!=i { t.Log(i,len(v.Succ),v.Size, h.Node.Counters().Disbelieved)}}
	kinds:=map[string]int{}
	e.Observe=func(host int, now time.Duration, ev chord.Event, acts []chord.Action){
		for _,a:=range acts { if s,ok:=a.(chord.Send);ok {
			k:=fmt.Sprintf("%T res=%v own=%v evil=%v",s.Msg.Body,s.Msg.To[0].Resource,s.Msg.From.ID==e.hosts[host].Peer.ID, e.hosts[host].Malice!=0)
			kinds[k]++ } else if _,ok:=a.(chord.Ring);ok {kinds["ring"]++}}
	}
	e.Run(10*time.Second)
	e.Observe=nil
	for k,v:=range kinds { if v>100 {t.Log(k,v)}}
  }
}
