package index_test

import (
	"testing"
)

// A field that refers to another entity has a column of that name and _id, unless annotations say otherwise.
func TestReferencesOfEntities(t *testing.T) {
	t.Parallel()
	entity := func(fields string) string {
		return "@Entity\n@Table(name = \"users\")\nclass User(\n" + fields + "\n) {\n}\n"
	}
	for name, tc := range map[string]struct{ file, code, column, want string }{
		"Kotlin": {"A.kt", entity("  @ManyToOne @Fetch(FetchMode.JOIN) var soldBy: Agent? = null,"), "sold_by_id", "A.kt:4"},
		"Java": {
			"A.java", "@Entity\n@Table(name = \"users\")\npublic class User {\n    @OneToOne(fetch = FetchType.LAZY)\n    @NotNull\n    private Agent soldBy;\n}\n",
			"sold_by_id", "A.java:6",
		},
		"a field after it":      {"A.kt", entity("  @ManyToOne var soldBy: Agent,\n  var kind: String,"), "kind", "A.kt:5"},
		"a column of its own":   {"A.kt", entity("  @ManyToOne @JoinColumn(name = \"agent\") var soldBy: Agent,"), "sold_by_id", ""},
		"the other's column":    {"A.kt", entity("  @OneToOne(mappedBy = \"user\") var soldBy: Agent,"), "sold_by_id", ""},
		"the key's column":      {"A.kt", entity("  @OneToOne @PrimaryKeyJoinColumn var soldBy: Agent,"), "sold_by_id", ""},
		"a table of its own":    {"A.kt", entity("  @ManyToOne @JoinTable(name = \"sales\") var soldBy: Agent,"), "sold_by_id", ""},
		"no reference":          {"A.kt", entity("  var soldBy: String,"), "sold_by_id", ""},
		"no reference, spelled": {"A.kt", entity("  var soldBy: String,"), "sold_by", "A.kt:4"},
	} {
		checkColumn(t, name, map[string]string{tc.file: tc.code}, users, tc.column, tc.want)
	}
}
