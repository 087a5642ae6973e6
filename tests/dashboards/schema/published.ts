// Which of @grafana/schema's types make the schema: a dashboard, what its panels' plugins take, and what they ask.
import type * as common from '@grafana/schema/dist/types/common/common.gen';
import type * as dashboard from '@grafana/schema/dist/types/raw/dashboard/x/dashboard_types.gen';
import type * as barchart from '@grafana/schema/dist/types/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as bargauge from '@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as elasticsearch from '@grafana/schema/dist/types/raw/composable/elasticsearch/dataquery/x/ElasticsearchDataQuery_types.gen';
import type * as gauge from '@grafana/schema/dist/types/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import type * as heatmap from '@grafana/schema/dist/types/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as histogram from '@grafana/schema/dist/types/raw/composable/histogram/panelcfg/x/HistogramPanelCfg_types.gen';
import type * as logs from '@grafana/schema/dist/types/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen';
import type * as piechart from '@grafana/schema/dist/types/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as statetimeline from '@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as statushistory from '@grafana/schema/dist/types/raw/composable/statushistory/panelcfg/x/StatusHistoryPanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/types/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as text from '@grafana/schema/dist/types/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type * as xychart from '@grafana/schema/dist/types/raw/composable/xychart/panelcfg/x/XYChartPanelCfg_types.gen';

export interface Published {
  dashboard: dashboard.Dashboard;
  fieldConfig: dashboard.FieldConfig;
  options: {
    barchart: barchart.Options;
    bargauge: bargauge.Options;
    gauge: gauge.Options;
    heatmap: heatmap.Options;
    histogram: histogram.Options;
    logs: logs.Options;
    piechart: piechart.Options;
    stat: stat.Options;
    'state-timeline': statetimeline.Options;
    'status-history': statushistory.Options;
    table: table.Options;
    text: text.Options;
    timeseries: timeseries.Options;
    xychart: xychart.Options;
  };
  custom: {
    barchart: barchart.FieldConfig;
    heatmap: heatmap.FieldConfig;
    histogram: histogram.FieldConfig;
    piechart: common.HideableFieldConfig;
    'state-timeline': statetimeline.FieldConfig;
    'status-history': statushistory.FieldConfig;
    table: common.TableFieldOptions;
    timeseries: common.GraphFieldConfig;
    xychart: xychart.FieldConfig;
  };
  queries: { elasticsearch: elasticsearch.ElasticsearchDataQuery };
}
