package collect

import "github.com/onward-sql/onward/internal/wire"

// queryScope has the settings of a session on which the meaning of its queries depends.
type queryScope struct {
	path string // "" for the server's default
	role string // "" for who connected
}

// settings follow the settings of a session. currentScope holds now, committedScope holds after a COMMIT, and scopeAtBegin
// after a ROLLBACK.
type settings struct {
	initialScope                 queryScope
	currentScope, committedScope queryScope
	scopeAtBegin                 queryScope
	savepoints                   []savepoint
	reported                     bool // the server tells search_path, from 18 on
	replica                      bool // session_replication_role
}

type savepoint struct {
	name       string
	now, stays queryScope // currentScope and committedScope at the savepoint
}

// defaultPath is the server's own search path.
const defaultPath = `"$user", public`

func normalizePath(value string) string {
	if value == defaultPath || value == `"$user",public` {
		return ""
	}
	return value
}

func newSettings(start wire.Startup) settings {
	s := queryScope{path: normalizePath(wire.ReadSearchPath(start.Parameters))}
	return settings{initialScope: s, currentScope: s, committedScope: s, scopeAtBegin: s}
}

// applyReportedPath takes what the server says of search_path, which is what counts.
func (s *settings) applyReportedPath(value string, early bool) {
	s.reported = true
	s.currentScope.path, s.committedScope.path = normalizePath(value), normalizePath(value)
	if early {
		s.initialScope.path, s.scopeAtBegin.path = s.currentScope.path, s.currentScope.path
	}
}

// applyStatement follows a statement that the server has done.
func (s *settings) applyStatement(c *control) {
	switch c.do {
	case sets:
		s.setValue(c.name, c.value, c.local)
	case resets:
		s.resetValue(c.name)
	case discards:
		s.currentScope, s.committedScope, s.replica = s.initialScope, s.initialScope, false
	case begins:
		s.scopeAtBegin, s.savepoints = s.committedScope, s.savepoints[:0]
	case commits:
		s.currentScope, s.savepoints = s.committedScope, s.savepoints[:0]
	case rollsBack:
		s.currentScope, s.committedScope, s.savepoints = s.scopeAtBegin, s.scopeAtBegin, s.savepoints[:0]
	case saves:
		if len(s.savepoints) < maxSteps {
			s.savepoints = append(s.savepoints, savepoint{c.name, s.currentScope, s.committedScope})
		}
	case rollsBackTo, releases:
		for i := len(s.savepoints) - 1; i >= 0; i-- {
			if s.savepoints[i].name != c.name {
				continue
			}
			if c.do == rollsBackTo {
				s.currentScope, s.committedScope = s.savepoints[i].now, s.savepoints[i].stays
				i++
			}
			s.savepoints = s.savepoints[:i]
			return
		}
	}
}

func (s *settings) setValue(name, value string, local bool) {
	switch name {
	case searchPath:
		if s.reported {
			return
		}
		s.currentScope.path = normalizePath(value)
		if value == "" {
			s.currentScope.path = s.initialScope.path
		}
		if !local {
			s.committedScope.path = s.currentScope.path
		}
	case role:
		if value == "none" {
			value = ""
		}
		s.currentScope.role = value
		if !local {
			s.committedScope.role = value
		}
	case replication:
		s.replica = value == "replica"
	}
}

func (s *settings) resetValue(name string) {
	if name == "" || name == searchPath && !s.reported {
		s.currentScope.path, s.committedScope.path = s.initialScope.path, s.initialScope.path
	}
	if name == role {
		s.currentScope.role, s.committedScope.role = "", ""
	}
	if name == "" || name == replication {
		s.replica = false
	}
}
