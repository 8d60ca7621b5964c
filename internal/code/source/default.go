package source

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// DefaultSigns are the texts of a declaration that say who has the default of a column.
type DefaultSigns struct{ Server, Model *lazyregexp.Regexp }

// Find returns what a declaration says. A value of the model counts more.
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
