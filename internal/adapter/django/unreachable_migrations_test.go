package django

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
)

// An operation that Django refuses on any database is reported at its place, and the
// operations around it are judged.
func TestRefused(t *testing.T) {
	t.Parallel()
	files := little("")
	files["app/migrations/0001_initial.py"] = []byte(`from django.db import migrations, models
class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Tag", [("id", models.BigAutoField(primary_key=True))]),
        migrations.CreateModel("Thing", [("id", models.BigAutoField(primary_key=True)), ("tags", models.ManyToManyField("app.tag"))]),
        migrations.CreateModel("Given", [
            ("id", models.BigAutoField(primary_key=True)),
            ("tag", models.ForeignKey("app.tag", models.CASCADE)), ("thing", models.ForeignKey("app.thing", models.CASCADE)),
        ]),
        migrations.AlterField("thing", "tags", models.ManyToManyField("app.tag", through="app.given")),
        migrations.AddField("tag", "name", models.TextField(null=True)),
    ]
`)
	for _, env := range []string{"django-4.2-psycopg2", "django-5.2-none"} {
		m := loadInitial(t, venv(t, env), files, history.Runner{})
		if len(m.Opaque) > 0 || len(m.Problems) != 1 {
			t.Fatalf("%s: opaque %v, problems %v", env, m.Opaque, m.Problems)
		}
		if x := m.Problems[0]; x.Line != 10 || !strings.HasPrefix(x.Message, "Django refuses the AlterField: Cannot alter field app.Thing.tags") ||
			!strings.Contains(x.Instead, "through model") {
			t.Errorf("%s: the problem is %+v, want the refused AlterField in line 10", env, x)
		}
		isRendered := slices.ContainsFunc(m.Source.Parts, func(p script.Part) bool { return strings.Contains(p.SQL, `ADD COLUMN "name"`) })
		if !isRendered {
			t.Errorf("%s: the operation behind it is not rendered", env)
		}
	}
}

// A dependency that does not exist is refused at the place that names it, and makes no
// second leaf.
func TestDependsOnNothing(t *testing.T) {
	t.Parallel()
	files := little("")
	files["app/migrations/0002_more.py"] = []byte(`from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [
        ("app", "0001_initail"),
    ]
    operations = [migrations.AddField("thing", "more", models.TextField(null=True))]
`)
	set := loadSet(t, venv(t, "django-5.2-none"), files, history.Runner{})
	if len(set.Opaque)+len(set.History) > 0 {
		t.Errorf("opaque %v, history %v", set.Opaque, set.History)
	}
	for _, m := range set.Migrations {
		if want := m.ID == "app.0002_more"; want != (len(m.Problems) == 1 && m.Problems[0].Line == 4) {
			t.Errorf("%s: problems %+v, want one in line 4: %t", m.ID, m.Problems, want)
		}
	}
}

// A model leaves a value to the database if it has no value of its own.
func TestDefaultedColumns(t *testing.T) {
	t.Parallel()
	p := &Project{Models: []Model{{App: "shop", Model: "Item", DBTable: "shop_item", Fields: []Field{
		{Name: "a", Column: "a", Concrete: true},
		{Name: "b", Column: "b", Concrete: true, DBDefault: true},
		{Name: "c", Column: "c", Concrete: true, DBDefault: true, HasDefault: true},
	}}}}
	for _, c := range p.tableModels()[0].Columns {
		if c.Defaulted != (c.Column == "b") {
			t.Errorf("column %+v, want only b defaulted by the database", c)
		}
	}
}
