// What the queries of each report return, in PostgreSQL's types. Written by `dataform check`: do not edit.
import "aquifer";

declare module "aquifer" {
  interface WarehouseQueries {
    "bank/customer-segmentation": {
      "segments": {
        "age_group": "text";
        "job_type": "text";
        "education_type": "text";
        "marital_type": "text";
        "housing": "text";
        "customers": "bigint";
      };
    };
    "bank/target-market": {
      "customers": {
        "job_type": "text";
        "education_type": "text";
        "marital_type": "text";
        "loan": "text";
        "customers": "bigint";
        "targeted": "bigint";
      };
    };
  }
}
