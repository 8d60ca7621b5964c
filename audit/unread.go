package audit

import (
	"fmt"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// unread counts what of the deployed migrations cannot be read. They have run; what
// they made is missing in the schema that the release is judged by.
type unread struct {
	n     int
	first onward.Opaque
}

// file counts a deployed migration that could not be read at all.
func (u *unread) file(m *adapter.Migration, why string) {
	if u.n++; u.n == 1 {
		u.first = onward.Opaque{Migration: m.ID, Path: m.Path, Why: why}
	}
}

// statements counts those of a deployed migration that do not parse.
func (u *unread) statements(m *adapter.Migration, s *script.Script) {
	for _, st := range s.Statements {
		if st.Err == nil {
			continue
		}
		if u.n++; u.n == 1 {
			u.first = onward.Opaque{Migration: m.ID, Path: m.Path, Line: st.ErrLine, Column: st.ErrColumn, Why: st.Err.Error()}
		}
	}
}

// tell lists it in one line, at the first: a history is long.
func (u *unread) tell(r *onward.Report) {
	if u.n == 0 {
		return
	}
	o := u.first
	o.What = "what a deployed migration made"
	if u.n > 1 {
		o.What = fmt.Sprintf("what deployed migrations made, %d statements or files", u.n)
	}
	r.Opaque = append(r.Opaque, o)
}
