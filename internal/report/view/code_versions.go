package view

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// CodeVersion is a version of the code whose queries are verified. Queries is nil if nothing is known of them.
type CodeVersion struct {
	Code    onward.Code
	Queries *onward.Verified
}

// ListVersions returns the versions of the code in the order in which they are shown: the deployed one, further ones, the new one.
func ListVersions(v *onward.Verification) []CodeVersion {
	out := []CodeVersion{{onward.OldCode, v.Old}}
	for i := range v.Also {
		out = append(out, CodeVersion{FurtherCode(v.Also[i].Name), &v.Also[i].Verified})
	}
	return append(out, CodeVersion{onward.NewCode, v.New})
}

// FurtherCode returns the code of a further version.
func FurtherCode(name string) onward.Code { return onward.Code(onward.FurtherPrefix + name) }

// NameCode names a version of the code in a table.
func NameCode(c onward.Code) string {
	if name, ok := strings.CutPrefix(string(c), onward.FurtherPrefix); ok {
		return escape.Line(name)
	}
	if c == onward.NewCode {
		return "new code"
	}
	return "old code"
}

// NameCodeInSentence names a version of the code in a sentence.
func NameCodeInSentence(c onward.Code) string {
	switch c {
	case onward.OldCode:
		return "the deployed code"
	case onward.NewCode:
		return "the new code"
	}
	return NameCode(c)
}

// CellAt returns the results of a version of the code at a point.
func CellAt(v *onward.Verification, point int, code onward.Code) *onward.Cell {
	p := &v.Points[point]
	switch code {
	case onward.OldCode:
		return &p.Old
	case onward.NewCode:
		return &p.New
	}
	i := slices.IndexFunc(v.Also, func(a onward.VerifiedVersion) bool { return FurtherCode(a.Name) == code })
	if i < 0 || i >= len(p.Also) {
		return &onward.Cell{}
	}
	return &p.Also[i]
}

// NeedsLater reports whether a query only needs a later schema of the release: it is of code that may be deployed after that, or of a
// further version that does not work at the base either.
func NeedsLater(d *onward.Verdict) bool {
	return d.Until != nil && d.Code != onward.OldCode && (d.Code == onward.NewCode || d.Point == 0)
}
