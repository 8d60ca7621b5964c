package pycode

import (
	"strings"
	"testing"
)

func TestMeaning(t *testing.T) {
	t.Parallel()
	const was = `"""Of the shop."""
from django.db import migrations

def fill(apps, editor):
    """Fills."""
    apps.get_model("shop", "Book").objects.update(language="en")  # all

class Migration(migrations.Migration):
    operations = [
        migrations.AlterField("book", "isbn", models.TextField(validators=[long])),
        migrations.RunPython(fill),
    ]
`
	for name, tc := range map[string]struct {
		now            string
		whole, program bool // are the same
	}{
		"the same":      {was, true, true},
		"a comment":     {"# -*- coding -*-\n" + replaced(was, "  # all", ""), true, true},
		"white space":   {replaced(was, "[\n        migrations.Alter", "[migrations.Alter"), true, true},
		"a docstring":   {replaced(was, "Fills.", "Fills all # of them."), true, true},
		"a validator":   {replaced(was, "[long]", "[long, wide]"), false, true},
		"an import":     {replaced(was, "import migrations", "import migrations, models"), false, true},
		"what it fills": {replaced(was, `"en"`, `"de"`), false, false},
		"in a string":   {replaced(was, `"en"`, `"e n"`), false, false},
		"an indent":     {replaced(was, "    apps.get", "      apps.get"), false, false},
	} {
		a, pa := Normalize(was)
		b, pb := Normalize(tc.now)
		if (a == b) != tc.whole || (pa == pb) != tc.program {
			t.Errorf("%s: whole %v, program %v\n%s%s", name, a == b, pa == pb, pa, pb)
		}
	}
}

func replaced(text, old, now string) string { return strings.Replace(text, old, now, 1) }
