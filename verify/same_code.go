package verify

import (
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// compareCodes finds the queries of the deployed code, and whether both codes send the same queries.
func (c *checker) compareCodes() {
	c.deployed = map[string]*recordedQuery{}
	fresh, known := 0, 0
	for _, q := range c.queries {
		if q.code == onward.OldCode {
			c.deployed[q.textKey()] = q
		}
	}
	for _, q := range c.queries {
		if q.code == onward.NewCode {
			fresh++
			if c.deployed[q.textKey()] != nil {
				known++
			}
		}
	}
	c.sameCode = known == fresh && fresh == len(c.deployed)
}

// textKey is equal for queries of both codes that mean the same.
func (q *recordedQuery) textKey() string { return q.SQL + "\x00" + q.SearchPath + "\x00" + q.Role }

// wideningOrder has families of types, in which each type holds the values of those before it.
var wideningOrder = [][]string{
	{"smallint", "integer", "bigint", "numeric"},
	{"real", "double precision"},
	{"character varying", "text"},
}

// hasWiderTypes reports whether a result has the columns of another one, and types that hold all values of the other's.
func hasWiderTypes(narrow, wide result) bool {
	if len(narrow.columns) != len(wide.columns) {
		return false
	}
	for i, f := range narrow.columns {
		if wide.columns[i].name != f.name || !canHoldValues(wide.columnType(i), narrow.columnType(i)) {
			return false
		}
	}
	return true
}

// canHoldValues reports whether a type holds all values of another one, by their names.
func canHoldValues(wide, narrow string) bool {
	if wide == narrow {
		return true
	}
	wideName, wideSize := splitType(wide)
	narrowName, narrowSize := splitType(narrow)
	if wideName == narrowName {
		return wideSize == nil || narrowSize != nil && canHoldSize(wideSize, narrowSize)
	}
	if wideSize != nil {
		return false
	}
	for _, family := range wideningOrder {
		w, n := -1, -1
		for i, name := range family {
			if name == wideName {
				w = i
			}
			if name == narrowName {
				n = i
			}
		}
		if n >= 0 && w > n {
			return true
		}
	}
	return false
}

// splitType is a type's name, and the numbers in its brackets.
func splitType(name string) (base string, size []int) {
	base, rest, found := strings.Cut(name, "(")
	if !found {
		return name, nil
	}
	for _, part := range strings.Split(strings.TrimSuffix(rest, ")"), ",") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return name, nil
		}
		size = append(size, n)
	}
	return base, size
}

// canHoldSize compares lengths, or precision and scale: as many digits before the point and after it.
func canHoldSize(wide, narrow []int) bool {
	if len(wide) != len(narrow) {
		return false
	}
	if len(wide) == 2 {
		return wide[0]-wide[1] >= narrow[0]-narrow[1] && wide[1] >= narrow[1]
	}
	return wide[0] >= narrow[0]
}
