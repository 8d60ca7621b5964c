package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/rotation"
)

// Up to the contract, new code writes to the old column. A plan whose conversion would change its values once more is not proven.
func TestConvertedAgain(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{ // whether the conversion gives other values
		"integer USING length(a)":                                                 true,
		"bigint USING (length(a) * 100)":                                          true,
		"boolean USING (a = 'yes')":                                               true,
		"text[] USING ARRAY[a]":                                                   true,
		"jsonb USING jsonb_build_object('name', a)":                               true,
		"jsonb USING to_jsonb(a)":                                                 true,
		"varchar USING CASE a WHEN 'o' THEN 'open' ELSE 'closed' END":             true,
		"varchar USING CASE a WHEN 'o' THEN 'open' ELSE a END":                    false,
		"varchar(5) USING left(a, 5)":                                             false,
		"varchar(400) USING lower(trim(a))":                                       false,
		"numeric USING NULLIF(regexp_replace(a, '[^0-9]', '', 'g'), '')::numeric": false,
		"timestamptz USING to_timestamp(length(a))":                               true,
	}
	for _, using := range rotation.Pick(t, 3, sortedNames(cases)) {
		t.Run(using, func(t *testing.T) {
			t.Parallel()
			p := planned(t, "CREATE TABLE ev (id bigint PRIMARY KEY, a text);", "ALTER TABLE ev ALTER COLUMN a TYPE "+using+";", 17, nil, true)
			isReported := false
			for _, c := range p.Proof.Checks {
				isReported = isReported || strings.Contains(c.Detail, "would be converted a second time")
			}
			if convertsAgain := cases[using]; isReported != convertsAgain || p.Proof.Proven == convertsAgain {
				t.Errorf("proven %t, converted a second time: %t, want %t\n%+v", p.Proof.Proven, isReported, convertsAgain, p.Proof)
			}
		})
	}
}
