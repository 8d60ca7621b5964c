package sql

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
)

// Down gives the way down of a migration: what stands below its tool's marker,
// or else its second file (down.sql, NAME.down.sql, NAME_down.sql), which is
// sent as the way up is.
func (Adapter) Down(t adapter.Tree, s adapter.Source, m *adapter.Migration) (*script.Source, error) {
	if tool, ok := toolOf(m.Source.Text); ok {
		return tool.wayDown(m.Source.Text, s.Options), nil
	}
	down, err := adapter.ReadDown(t, m)
	if down == nil || err != nil {
		return nil, err
	}
	if p := adapter.Part(down.Text, 0, len(down.Text)); p.SQL != "" {
		p.Message = len(m.Source.Parts) > 0 && m.Source.Parts[0].Message
		down.Parts = []script.Part{p}
	}
	return down, nil
}

// wayDown is what stands below the markers of the way down; nil for nothing.
func (t tool) wayDown(text string, o adapter.Options) *script.Source {
	out := &script.Source{Text: text, Mode: t.mode, LineComment: "--"}
	for _, r := range t.backward(text) {
		if p := adapter.Part(text, r[0], r[1]); p.SQL != "" {
			p.Message = !t.cuts
			out.Parts = append(out.Parts, p)
		}
	}
	if len(out.Parts) == 0 {
		return nil
	}
	if at := t.down.FindStringIndex(text); t.offDown != nil && t.offDown.MatchString(text[at[0]:]) || t.offFile && t.off.MatchString(text) {
		out.Mode = t.none
	}
	if o.Transaction != "" {
		out.Mode = o.Transaction
	}
	return out
}

// backward lists the stretches of a file that are the way down.
func (t tool) backward(text string) [][2]int {
	var out [][2]int
	for at := 0; at < len(text); {
		down := t.down.FindStringIndex(text[at:])
		if down == nil {
			break
		}
		at += down[1]
		end := len(text)
		if t.up != nil {
			if up := t.up.FindStringIndex(text[at:]); up != nil {
				end = at + up[0]
			}
		}
		out = append(out, [2]int{at, end})
		at = end
		if t.up == nil {
			break
		}
	}
	return out
}
