package audit

import (
	"testing"

	"github.com/onward-sql/onward/onward"
)

// An entity of JPA that names a sequence breaks if it is renamed.
func TestSequenceGenerators(t *testing.T) {
	t.Parallel()
	entity := func(annotations string) string {
		return "package shop;\n\nimport jakarta.persistence.*;\n\n@Entity\n@Table(name = \"orders\")\npublic class Order {\n" +
			"    static final String SEQ = \"order_numbers\";\n    @Id\n    " + annotations + "\n    private Long id;\n}\n"
	}
	for name, tc := range map[string]struct {
		path, Files string
		want        onward.Severity
	}{
		"sequenceName": {
			"Order.java",
			entity("@GeneratedValue(generator = \"gen\")\n    @SequenceGenerator(name = \"gen\",\n        sequenceName = \"order_numbers\")"),
			onward.Error,
		},
		"with its schema":      {"Order.java", entity(`@SequenceGenerator(name = "gen", schema = "public", sequenceName = "order_numbers")`), onward.Error},
		"of another schema":    {"Order.java", entity(`@SequenceGenerator(name = "gen", sequenceName = "audit.order_numbers")`), onward.Warning},
		"of a constant":        {"Order.java", entity(`@SequenceGenerator(name = "gen", sequenceName = SEQ)`), onward.Error},
		"the generator's name": {"Order.java", entity(`@SequenceGenerator(name = "order_numbers", allocationSize = 1)`), onward.Error},
		"no declaration":       {"Order.kt", entity(`@field:GeneratedValue(strategy = GenerationType.SEQUENCE, generator = "order_numbers")`), onward.Error},
		"Hibernate's own": {
			"Order.java",
			entity(`@GenericGenerator(name = "gen", strategy = "sequence", parameters = @Parameter(name = "sequence_name", value = "order_numbers"))`),
			onward.Error,
		},
		"a generator with another sequence": {
			"Order.kt",
			entity("@SequenceGenerator(name = \"order_numbers\", sequenceName = \"other\")\n    @GeneratedValue(generator = \"order_numbers\")"),
			onward.Warning,
		},
		"another sequence": {"Order.java", entity(`@SequenceGenerator(name = "gen", sequenceName = "others")`), onward.Warning},
		"a comment":        {"Order.java", entity("// @SequenceGenerator(name = \"gen\", sequenceName = \"order_numbers\")"), onward.Warning},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := "-- db/migrations/001_a.sql --\nCREATE TABLE orders (id bigint PRIMARY KEY);\nCREATE SEQUENCE order_numbers;\n-- " + tc.path +
				" --\n" + tc.Files
			next := "-- db/migrations/002_b.sql --\nALTER SEQUENCE order_numbers RENAME TO numbers;\n"
			r := changelog0(t, Config{Dir: repository(t, base, next), Base: "main"})
			got := onward.Off
			for _, f := range r.Findings {
				if f.Rule == "sequence-rename" {
					got = f.Severity
				}
			}
			if got != tc.want {
				t.Errorf("%v, not %v: %v", got, tc.want, r.Findings)
			}
		})
	}
}
