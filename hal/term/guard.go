package term

import (
	"fmt"
	"runtime/debug"

	tea "charm.land/bubbletea/v2"
)

// guard is a model whose panics end the program in the orderly way: bubbletea's own
// way out of a panic does not wait for its reader.
type guard struct {
	tea.Model
	failed error
	fail   func(stack []byte) // called once
}

func (g *guard) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	if g.failed != nil {
		return g, nil
	}
	defer g.catch()
	_, cmd = g.Model.Update(msg)
	return g, cmd
}

func (g *guard) View() (v tea.View) {
	if g.failed != nil {
		return tea.View{}
	}
	defer g.catch()
	return g.Model.View()
}

func (g *guard) catch() {
	if r := recover(); r != nil {
		g.failed = fmt.Errorf("drawing the telephone: panic: %v", r)
		g.fail(debug.Stack())
	}
}
