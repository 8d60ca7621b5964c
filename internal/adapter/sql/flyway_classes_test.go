package sql_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sql"
)

// A class that Flyway runs is a migration between the SQL files, and what it does is unknown.
func TestFlywayClasses(t *testing.T) {
	t.Parallel()
	const files, classes = "app/src/main/resources/db/migration/", "app/src/main/java/com/example/db/"
	tree := adaptertest.Files{
		files + "V1__a.sql": []byte("SELECT 1;\n"), files + "V1_2__b.sql": []byte("SELECT 1;\n"), files + "V1_10__c.sql": []byte("SELECT 1;\n"),
		files + "R__view.sql":                        []byte("SELECT 1;\n"),
		classes + "V1_3__Fill.java":                  []byte("public class V1_3__Fill extends BaseJavaMigration {}\n"),
		classes + "V1_11__Clean.java":                []byte("public class V1_11__Clean implements JavaMigration {}\n"),
		classes + "V1_4__Other.java":                 []byte("public class V1_4__Other {}\n"),
		"app/src/test/java/V1_5__Test.java":          []byte("public class V1_5__Test extends BaseJavaMigration {}\n"),
		"other/src/main/java/com/V1_6__Other.java":   []byte("public class V1_6__Other extends BaseJavaMigration {}\n"),
		"app/src/main/kotlin/com/V1_7__Kotlin.kt":    []byte("class V1_7__Kotlin : BaseJavaMigration() {}\n"),
		"app/src/main/java/com/example/Program.java": []byte("class Program { BaseJavaMigration m; }\n"),
	}
	set, err := sql.Adapter{}.Load(t.Context(), tree, adapter.Source{Framework: sql.Name, Dir: "app/src/main/resources/db/migration"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range set.Migrations {
		summary := m.ID
		for _, o := range m.Opaque {
			summary += ": " + o.What
		}
		got = append(got, summary)
	}
	if diff := cmp.Diff([]string{
		"V1__a", "V1_2__b", "V1_3__Fill: migration written in Java", "V1_7__Kotlin: migration written in Kotlin", "V1_10__c",
		"V1_11__Clean: migration written in Java", "R__view",
	}, got); diff != "" {
		t.Error(diff)
	}
}
