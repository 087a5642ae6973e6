module throughline/jaeger

go 1.25.0

// Jaeger replaces it, too; a replacement counts only in the main module.
replace github.com/Shopify/sarama => github.com/Shopify/sarama v1.33.0
