class CreateOrders < ActiveRecord::Migration[7.1]
  def change
    create_table :orders do |t|
      t.references :customer, null: false, foreign_key: true
      t.string :email, null: false
      t.datetime :paid_at
      t.timestamps
    end
  end
end
