package deployed

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/script"
)

// Models that may lack a column prove the use of a column that they have, and nothing of another one.
func TestIncompleteModels(t *testing.T) {
	t.Parallel()
	base := &adapter.Set{Partial: true, Models: []adapter.Model{
		{Name: "shop.Item", Table: "shop_item", Columns: []adapter.ModelColumn{{Field: "name", Column: "name"}}},
	}}
	u := NewCode(&gitrange.Range{}, []Source{{Set: base}})
	item := catalog.Name{Schema: "public", Name: "shop_item"}
	if got, ok := u.answerFromModels(of(item, "name")); !ok || !got.Used || !got.Sure {
		t.Errorf("a column that is there: %+v", got)
	}
	if got, ok := u.answerFromModels(of(item, "color")); ok {
		t.Errorf("a column that may be missing: %+v", got)
	}
}

// The models of one service say nothing of another one's database.
func TestModelsOfADatabase(t *testing.T) {
	t.Parallel()
	django := &adapter.Set{Models: []adapter.Model{{Name: "shop.Item", Table: "shop_item"}}}
	u := NewCode(&gitrange.Range{}, []Source{{Set: django}, {Set: &adapter.Set{}}})
	u.Databases = [][]int{{0}, {1}}
	orders := catalog.Name{Schema: "public", Name: "orders"}
	if got, ok := u.answerFromModels(of(orders, "")); !ok || got.Used || !got.Sure {
		t.Errorf("no model of the database maps to it: %+v", got)
	}
	if got, ok := u.answerFromModels(question{Question: of(orders, "").Question, database: 1}); ok {
		t.Errorf("a database without models: %+v", got)
	}
}

// Where the models of the base are not known, the migrations know their names: a class
// of that name in the deployed code uses the table.
func TestClassesOfTables(t *testing.T) {
	t.Parallel()
	dir := gittest.CommitArchives(t, `-- shop/models.py --
class WebHook(models.Model):
    url = models.TextField()

class Basket:
    pass
-- shop/views.py --
from .models import WebHook, OrderLine
`)
	rng := baseOf(t, dir)
	set := &adapter.Set{}
	for _, model := range []string{"WebHook", "OrderLine", "Basket"} {
		set.Migrations = append(set.Migrations, &adapter.Migration{
			ID:     "shop.0001_" + model,
			Source: script.Source{Parts: []script.Part{{Operation: script.Operation{Class: "CreateModel", Model: model}}}},
		})
	}
	for known, want := range map[bool]map[string]bool{
		false: {"shop_webhook": true, "shop_orderline": false, "shop_basket": false},
		true:  {"shop_webhook": false},
	} {
		base := *set
		if known {
			base.Models = []adapter.Model{{Name: "shop.Other", Table: "shop_other"}}
		}
		u := NewCode(rng, []Source{{Framework: "django", Set: &base}})
		u.Databases = [][]int{{0}}
		ask := func(name string) question { return about(name, "") }
		for name := range want {
			u.answerQuestion(ask(name))
		}
		for name, used := range want {
			if got := u.answerQuestion(ask(name)); got.Used != used {
				t.Errorf("answer for %s, models known %t, = %+v, want used %t", name, known, got, used)
			}
		}
	}
}
