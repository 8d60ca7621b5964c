package analysis

import "github.com/onward-sql/onward/internal/catalog"

// MissingColumns lists the columns that deployed code knows and its
// successor does not have.
func MissingColumns(old, now *catalog.Relation) []string {
	if old.Inferred || old.Partial || now.Inferred || now.Partial {
		return nil
	}
	var names []string
	for _, c := range old.Columns {
		if now.Column(c.Name) == nil {
			names = append(names, c.Name)
		}
	}
	return names
}
