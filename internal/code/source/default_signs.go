package source

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// DefaultSigns are patterns of a column's declaration: Server matches a default of the database, such as server_default= in Python, and Model a
// value that the mapper itself inserts.
type DefaultSigns struct{ Server, Model *lazyregexp.Regexp }

// Find returns the default that a declaration shows. A value of the model has precedence.
func (s *DefaultSigns) Find(text string) facts.Default {
	switch {
	case !strings.Contains(text, "efault") && !strings.ContainsAny(text, "@(:"):
		return facts.DefaultUnknown
	case s.Model != nil && s.Model.MatchString(text) && !strings.Contains(text, "default=None"):
		return facts.DefaultByModel
	case s.Server != nil && s.Server.MatchString(text):
		return facts.DefaultByServer
	}
	return facts.DefaultUnknown
}
