package pins

import (
	"fmt"
	"time"

	"chordophone/board"
	"chordophone/hal"
)

// stuckAfter is how long nobody leans on a key.
const stuckAfter = 30 * time.Second

// Findings implements hal.Inspector: lines that are not there, and those that stand as
// if somebody pressed a key for longer than anybody does.
func (p *Panel) Findings() []hal.Finding {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trouble != nil {
		return []hal.Finding{{
			Word:    "chip",
			Problem: "no keys and no lamps: " + p.trouble.Error(),
			Hint:    "the telephone looks for its lines again every two seconds",
		}}
	}
	return p.keyboard.stuck(time.Now(), p.board)
}

// stuck are the lines that have been active for too long.
func (k *keyboard) stuck(now time.Time, b *board.Board) []hal.Finding {
	var all []hal.Finding
	long := func(c *contact) bool { return c.closed && now.Sub(c.since) >= stuckAfter }
	for r, row := range k.names {
		var names []hal.Key
		for c, name := range row {
			if long(&k.matrix.grid[c][r]) {
				names = append(names, name)
			}
		}
		if n := len(names); n > 1 && n == len(row) {
			all = append(all, hal.Finding{
				Word:    b.Word(b.Keypad.Rows[r]),
				Problem: fmt.Sprintf("%v is low whatever column is driven", b.Keypad.Rows[r]),
				Hint:    "its wire touches ground, or it belongs to something else",
			})
			continue
		}
		for _, name := range names {
			all = append(all, hal.Finding{
				Word:    b.KeyWord(name),
				Problem: fmt.Sprintf("key %c is down all the time", name),
				Hint:    "the key is stuck, or its two wires touch",
			})
		}
	}
	for i := range k.keys {
		if long(&k.keys[i].contact) {
			all = append(all, standing(b.Keys[i].Input, b.KeyWord(k.keys[i].name)))
		}
	}
	if k.dial != nil && long(&k.dial.contact) {
		all = append(all, standing(*b.Dial, b.Word(b.Dial.Line)))
	}
	return all
}

// standing is what is wrong with a contact that is active all the time.
func standing(in board.Input, word string) hal.Finding {
	level, wire := "high", "it is not connected, or active=low is meant"
	if in.ActiveLow {
		level, wire = "low", "its wire touches ground, or active=high is meant"
	}
	return hal.Finding{Word: word, Problem: fmt.Sprintf("%v is %s all the time", in.Line, level), Hint: wire}
}
