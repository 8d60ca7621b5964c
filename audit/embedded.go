package audit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/gitrange"
)

// A struct of GORM's that embeds gorm.Model has four columns that its file does not
// name: each query of the mapper does.

// gormModel is the last word of what is embedded.
const gormModel = "Model"

var (
	gormColumns = []string{"id", "created_at", "updated_at", "deleted_at"}
	gormEmbeds  = regexp.MustCompile(`^(?:\w+\s+)?\*?gorm\.Model\b`)
)

// embedded are the words that a struct embeds a column by.
func (q question) embedded() []string {
	if slices.Contains(gormColumns, q.column) {
		return []string{gormModel}
	}
	return nil
}

// embeds reports whether a hit of such a word stands at the top of the struct that
// is the table's. of are the hits of the table's names.
func (q question) embeds(h gitrange.Hit, of []gitrange.Hit) bool {
	return gormEmbeds.MatchString(h.Text) && slices.ContainsFunc(of, func(t gitrange.Hit) bool {
		return t.Path == h.Path && t.Line < h.Line && h.Line-t.Line <= 2 && strings.HasPrefix(t.Text, "type "+t.Word+" struct")
	})
}
