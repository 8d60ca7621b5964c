package collect

import (
	"strings"

	"github.com/onward-sql/onward/internal/wire"
)

// scope is what of a session's settings queries depend on.
type scope struct {
	path string // "" for the server's default
	role string // "" for who connected
}

// settings follow the session's: what counts now, what stays when the transaction is
// committed, and what was when it began, or at its savepoints.
type settings struct {
	first      scope
	now, stays scope
	began      scope
	saved      []savepoint
	reported   bool // the server tells search_path, from 18 on
	replica    bool // session_replication_role
}

type savepoint struct {
	name       string
	now, stays scope
}

// defaultPath is the server's own search path.
const defaultPath = `"$user", public`

func path(value string) string {
	if value == defaultPath || value == `"$user",public` {
		return ""
	}
	return value
}

func newSettings(start wire.Startup) settings {
	p := start.Parameters[searchPath]
	words := strings.Fields(start.Parameters["options"])
	for i, w := range words {
		w = strings.TrimPrefix(w, "--")
		if w = strings.TrimPrefix(w, "-c"); w == "" && i+1 < len(words) {
			w = words[i+1]
		}
		if v, ok := strings.CutPrefix(strings.ReplaceAll(w, "-", "_"), searchPath+"="); ok {
			p = v
		}
	}
	s := scope{path: path(p)}
	return settings{first: s, now: s, stays: s, began: s}
}

// report takes what the server says of search_path, which is what counts.
func (s *settings) report(value string, early bool) {
	s.reported = true
	s.now.path, s.stays.path = path(value), path(value)
	if early {
		s.first.path, s.began.path = s.now.path, s.now.path
	}
}

// apply follows a statement that the server has done.
func (s *settings) apply(c *control) {
	switch c.do {
	case sets:
		s.set(c.name, c.value, c.local)
	case resets:
		s.reset(c.name)
	case discards:
		s.now, s.stays, s.replica = s.first, s.first, false
	case begins:
		s.began, s.saved = s.stays, s.saved[:0]
	case commits:
		s.now, s.saved = s.stays, s.saved[:0]
	case rollsBack:
		s.now, s.stays, s.saved = s.began, s.began, s.saved[:0]
	case saves:
		if len(s.saved) < maxSteps {
			s.saved = append(s.saved, savepoint{c.name, s.now, s.stays})
		}
	case rollsBackTo, releases:
		for i := len(s.saved) - 1; i >= 0; i-- {
			if s.saved[i].name != c.name {
				continue
			}
			if c.do == rollsBackTo {
				s.now, s.stays = s.saved[i].now, s.saved[i].stays
				i++
			}
			s.saved = s.saved[:i]
			return
		}
	}
}

func (s *settings) set(name, value string, local bool) {
	switch name {
	case searchPath:
		if s.reported {
			return
		}
		s.now.path = path(value)
		if value == "" {
			s.now.path = s.first.path
		}
		if !local {
			s.stays.path = s.now.path
		}
	case role:
		if value == "none" {
			value = ""
		}
		s.now.role = value
		if !local {
			s.stays.role = value
		}
	case replication:
		s.replica = value == "replica"
	}
}

func (s *settings) reset(name string) {
	if name == "" || name == searchPath && !s.reported {
		s.now.path, s.stays.path = s.first.path, s.first.path
	}
	if name == role {
		s.now.role, s.stays.role = "", ""
	}
	if name == "" || name == replication {
		s.replica = false
	}
}
