class Changes < ActiveRecord::Migration[6.1]
  NAMES = %w[one two].freeze

  def up
    change_table :accounts do |t|
      t.string :first, :second, null: false, default: ""
      t.index :first
      t.references :parent, foreign_key: { to_table: :accounts }
      t.change :first, :text
      t.change_default :second, "b"
      t.rename :second, :third
      t.remove :first, :third
      t.column :at, :datetime
      t.check_constraint "at IS NOT NULL"
      t.remove_check_constraint "at IS NOT NULL"
    end
    change_table :accounts, bulk: true do |t|
      t.string :a1
      t.datetime :a2, null: false, default: -> { "now()" }
      t.remove :at
      t.change :rate, :decimal
      t.change_default :rate, 2
      t.change_null :rate, false
      t.index :a1
      t.integer :a3
    end
    change_table(:things, bulk: true) { |t| t.timestamps null: true }
    NAMES.each do |name|
      add_column :things, name, :integer
    end
    { three: :integer, four: :text }.each { |name, kind| add_column :things, name, kind }
    execute "UPDATE things SET one = 1"
    execute <<-SQL.squish
      UPDATE things
      SET two = #{NAMES.first == "one" ? 2 : 3}
    SQL
    execute(<<~SQL)
      UPDATE things SET name = 'a'
        WHERE one = 1;
    SQL
    safe_rename
    reversible do |dir|
      dir.up { execute "UPDATE things SET one = 3; UPDATE things SET one = 4" }
      dir.down { execute "way_down" }
    end
    up_only { execute "UPDATE things SET one = 5" }
    say_with_time("more") { connection.execute("UPDATE things SET one = 6") }
    if connection.adapter_name == "PostgreSQL"
      ActiveRecord::Base.connection.execute("UPDATE things SET one = 7")
    else
      execute "way_down"
    end
    return if reverting?

    drop_table :keys
    drop_table :big, if_exists: true, force: :cascade
    drop_join_table :accounts, :things
    rename_table :posts, :articles
    rename_table :pairs, :couples
    rename_table :plain, :flat
  end



  def down
    drop_table :way_down
  end

  private

  def safe_rename(table = :things, suffix: "x")
    rename_column table, :four, "four_#{suffix}"
  end
end
