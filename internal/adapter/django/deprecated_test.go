package django

import (
	"fmt"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/workload/deprecation"
)

// The db_comment of a field is a comment on its column, whichever operation sets it.
func TestDeprecatedFields(t *testing.T) {
	t.Parallel()
	files := little("DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'x'}}")
	files["app/migrations/0001_initial.py"] = []byte(`from django.db import migrations, models
class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Thing", [
            ("id", models.BigAutoField(primary_key=True)),
            ("name", models.TextField(null=True, db_comment="onward: deprecated 2026-11-01, remove after 2027-02-01, renamed to title")),
            ("size", models.IntegerField(null=True)),
        ]),
        migrations.AddField("Thing", "color", models.TextField(null=True, db_comment="onward: deprecated")),
        migrations.AlterField("Thing", "size", models.IntegerField(null=True, db_comment="onward: deprecated 2026-12-01")),
    ]
`)
	m := loadInitial(t, venv(t, "django-5.2-psycopg"), files, history.Runner{})
	s, err := script.BuildScript(m.Source)
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.New()
	for _, st := range s.Statements {
		c, _ = c.Apply(st.Node, st.SQL)
	}
	list, errs := deprecation.ListDeprecations(c, nil)
	got := ""
	for _, d := range list {
		got += fmt.Sprintf("%s.%s %s %s %s; ", d.Relation, d.Column, d.Since, d.RemoveAfter, d.RenamedTo)
	}
	if want := "public.app_thing.color   ; public.app_thing.name 2026-11-01 2027-02-01 title; public.app_thing.size 2026-12-01  ; "; got != want || len(errs) > 0 {
		t.Errorf("read %q, want %q (%v)", got, want, errs)
	}
}
