package audit

import (
	"strings"

	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// setting reports a question of rule.Pass.Sets.
func (q question) setting() bool { return q.table.Schema == rule.SettingName.Name }

// setting answers the questions which settings of a session the code names. It is
// not known where it puts the name of one together.
func (u *usage) setting() {
	if len(u.settings) == 0 {
		return
	}
	const call = "set_config"
	words := []string{call}
	for _, q := range u.settings {
		words = append(words, longest(q.table.Name))
	}
	hits, err := gitrange.Words(u.base, words, u.noCode)
	if err != nil {
		return
	}
	counts := map[string]int{}
	for _, h := range hits {
		counts[h.Word]++
	}
	for _, q := range u.settings {
		word := longest(q.table.Name)
		out := rule.Usage{Known: counts[call] == 0 && counts[word] < gitrange.HitsPerWord}
		for _, h := range hits {
			if h.Word == word && strings.Contains(strings.ToLower(h.Text), q.table.Name) && len(out.Evidence) < maxEvidence {
				out.Known, out.Used = true, true
				out.Evidence = append(out.Evidence, onward.Evidence{Kind: "code", Path: h.Path, Line: h.Line, Text: h.Text, Revision: u.name})
			}
		}
		u.cache[q] = out
	}
}
