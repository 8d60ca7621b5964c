require "csv"

module Shop
  class Fill < ActiveRecord::Migration[7.0]
    class Order < ActiveRecord::Base
      self.table_name = "orders"
    end

    def up
      safety_assured do
        execute <<~SQL
          UPDATE orders SET email = lower(email)
        SQL
      end
      Order.where(paid_at: nil).in_batches.update_all(email: "none")
      Customer.find_each { |c| c.update!(name: "x") }
      execute("ALTER TABLE orders ADD COLUMN #{name_of(Time.now)} text")
      enable_features :paid if table_exists?(:customers)
      add_column :customers, :note, :text unless column_exists?(:customers, :note)
    end

    def name_of(time)
      time.year.to_s
    end
  end
end
