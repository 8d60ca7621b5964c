package apply_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

const (
	familyBase = `CREATE TABLE users (id int PRIMARY KEY, boss int REFERENCES users ON DELETE SET NULL);
CREATE TABLE posts (id bigint PRIMARY KEY, author int REFERENCES users ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE likes (who int NOT NULL REFERENCES users ON DELETE CASCADE, post bigint);
`
	familyRelease = `ALTER TABLE users ALTER COLUMN id TYPE bigint;
ALTER TABLE users ALTER COLUMN boss TYPE bigint;
ALTER TABLE posts ALTER COLUMN author TYPE bigint;
`
	familyRows = `INSERT INTO users SELECT n, nullif(n - 1, 0) FROM generate_series(1, 1000) AS n;
INSERT INTO posts SELECT n, 1 + n % 1000 FROM generate_series(1, 3000) AS n;
INSERT INTO likes SELECT 1 + n % 1000, n FROM generate_series(1, 3000) AS n;
`
	orphans = `SELECT 'posts ' || count(*) FROM posts AS p WHERE author IS NOT NULL AND NOT EXISTS (SELECT FROM users AS u WHERE u.id = p.author)
UNION ALL SELECT 'users ' || count(*) FROM users AS p WHERE boss IS NOT NULL AND NOT EXISTS (SELECT FROM users AS u WHERE u.id = p.boss)
UNION ALL SELECT 'likes ' || count(*) FROM likes AS p WHERE NOT EXISTS (SELECT FROM users AS u WHERE u.id = p.who)`
)

// TestForeignKeysAreProven stops contract after each of its steps, and changes parents there. It also
// makes orphans before the last step: contract must then report their number, and not that it is done.
func TestForeignKeysAreProven(t *testing.T) {
	t.Parallel()
	p := planned(t, familyBase, familyRelease)
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, familyBase, familyRows)
	config := apply.Config{DB: db, Plan: p}
	runPlan(t, config)
	config.Through = onward.Contract
	steps := p.Steps[p.Contract():]
	for i := range steps {
		run(t, db, fmt.Sprintf("DELETE FROM users WHERE id BETWEEN %d AND %d", 10+i*20, 19+i*20),
			fmt.Sprintf("UPDATE users SET id = id + 100000 WHERE id BETWEEN %d AND %d AND NOT EXISTS (SELECT FROM likes WHERE who = users.id)", 20+i*20, 29+i*20))
		if i == len(steps)-1 {
			break
		}
		config.To = steps[i].ID
		if r, err := apply.Run(t.Context(), config); err != nil || r.State == onward.ApplyDone {
			t.Fatalf("the contract through %s = %+v, %v, want it not done", config.To, r, err)
		}
	}
	config.To = ""
	run(t, db, "SET session_replication_role = replica; DELETE FROM users WHERE id BETWEEN 501 AND 510")
	refused := new(apply.RefusedError)
	r, err := apply.Run(t.Context(), config)
	if !errors.As(err, &refused) || r.State == onward.ApplyDone ||
		!strings.Contains(refused.Text, "foreign key posts_author_fkey of public.posts does not hold. 30 rows") ||
		!strings.Contains(refused.Text, "foreign key users_boss_fkey of public.users does not hold. 1 rows") || !strings.Contains(refused.Text,
		"foreign key likes_who_fkey of public.likes does not hold. 30 rows") {
		t.Fatalf("the contract with orphans = %+v, %v, want a refusal that counts the rows of 3 foreign keys", r, err)
	}
	_, query, _ := strings.Cut(refused.Text, "SELECT id FROM public.posts AS t")
	query, _, _ = strings.Cut(query, "). ")
	if got := content(t, db, "SELECT count(*)::text FROM public.posts AS t"+query+")"); !cmp.Equal(got, []string{"30"}) {
		t.Errorf("its query finds %v", got)
	}
	if list, err := apply.Status(t.Context(), db); err != nil || list[0].State != onward.ApplyRunning || !strings.Contains(list[0].Next, "onward contract") {
		t.Errorf("apply.Status = %+v, %v, want a running plan, with the contract next", list, err)
	}
	run(t, db, "UPDATE posts SET author = NULL WHERE NOT EXISTS (SELECT FROM users WHERE users.id = author)", "UPDATE users AS u SET boss = NULL WHERE NOT "+
		"EXISTS (SELECT FROM users WHERE users.id = u.boss)",
		"DELETE FROM likes WHERE NOT EXISTS (SELECT FROM users WHERE users.id = who)")
	list, err := apply.Continue(t.Context(), apply.Config{DB: db, Through: onward.Contract}, "")
	if err != nil || list[0].State != onward.ApplyDone {
		t.Fatalf("the contract after the repair = %+v, %v, want it done", list, err)
	}
	if got := content(t, db, orphans); !cmp.Equal(got, []string{"posts 0", "users 0", "likes 0"}) {
		t.Errorf("the orphans are %q, want 0 in each table", got)
	}
	if got := content(t, db, "SELECT detail FROM onward_ledger.log WHERE event = 'foreign keys proven'"); len(got) != 1 ||
		!strings.HasPrefix(got[0], "3 foreign keys, ") {
		t.Errorf("the log has the details %q, want 3 proven foreign keys", got)
	}
}

// TestContractKilledBetweenForeignKeys kills the process of a contract with SIGKILL after each of its steps, among them the one that moves
// the parents. The deployed code deletes and changes parents while no process runs. The contract then ends with the rows that the release
// alone leaves, and no row refers to a deleted parent.
func TestContractKilledBetweenForeignKeys(t *testing.T) {
	t.Parallel()
	p := planned(t, familyBase, familyRelease)
	file := saved(t, p)
	db, alone := pgservertest.Database(t, onward.NewestMajor), pgservertest.Database(t, onward.NewestMajor)
	run(t, db, familyBase, familyRows)
	run(t, alone, familyBase, familyRows, familyRelease)
	runPlan(t, apply.Config{DB: db, Plan: p})
	contract := func(step string) (string, error) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "ONWARD_APPLY_CHILD="+db, "ONWARD_APPLY_PLAN="+file, "ONWARD_APPLY_THROUGH="+string(onward.Contract),
			"ONWARD_APPLY_KILL_AFTER="+step)
		text, err := cmd.CombinedOutput()
		return string(text), err
	}
	for i, s := range p.Steps[p.Contract():] {
		text, err := contract(s.ID)
		if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != -1 {
			t.Fatalf("the contract was not killed after %s: %v %s", s.ID, err, text)
		}
		if done := content(t, db, "SELECT state FROM onward_ledger.step WHERE id = '"+s.ID+"'"); !cmp.Equal(done, []string{"done"}) {
			t.Fatalf("step %s is %q, want done", s.ID, done)
		}
		writes := []string{fmt.Sprintf("DELETE FROM users WHERE id BETWEEN %d AND %d", 11+i*20, 20+i*20),
			fmt.Sprintf("UPDATE users SET id = id + 100000 WHERE id BETWEEN %d AND %d AND NOT EXISTS (SELECT FROM likes WHERE who = users.id)", 21+i*20, 30+i*20)}
		run(t, db, writes...)
		run(t, alone, writes...)
	}
	if text, err := contract(""); err != nil {
		t.Fatalf("the contract's last process: %v\n%s", err, text)
	}
	if got := content(t, db, orphans); !cmp.Equal(got, []string{"posts 0", "users 0", "likes 0"}) {
		t.Errorf("the orphans are %q, want 0 in each table", got)
	}
	for _, query := range []string{
		"SELECT id || ' ' || coalesce(boss::text, '-') FROM users ORDER BY id",
		"SELECT id || ' ' || coalesce(author::text, '-') FROM posts ORDER BY id",
		"SELECT who || ' ' || post FROM likes ORDER BY post",
	} {
		if diff := cmp.Diff(content(t, alone, query), content(t, db, query)); diff != "" {
			t.Errorf("%s (-release +plan):\n%s", query, diff)
		}
	}
	if valid := content(t, db, "SELECT count(*)::text FROM pg_constraint WHERE contype = 'f' AND convalidated AND connamespace = 'public'::regnamespace"); !cmp.Equal(valid, []string{"3"}) {
		t.Errorf("valid foreign keys: %v", valid)
	}
}
