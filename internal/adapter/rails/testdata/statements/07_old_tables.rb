class OldTables < ActiveRecord::Migration[5.0]
  def change
    create_table :old_users do |t|
      t.string :name
      t.references :account, foreign_key: true
      t.datetime :at
      t.timestamps
    end
    create_table :old_uuids, id: :uuid, default: "gen_random_uuid()" do |t|
      t.timestamps null: false
    end
    create_table :old_integers, id: :integer
    create_join_table :old_users, :old_uuids
    add_reference :old_users, :post
    add_column :old_users, :number, :primary_key if false
    change_column :old_users, :name, :text, default: "x", null: false
  end
end
